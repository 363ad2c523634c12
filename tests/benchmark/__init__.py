"""What billing costs, beside its peers: in one run, on the same data.

One Odoo process has the add-on, another one has not (Odoo's own wizard, OCA contract,
the bare ORM). They take turns, so that a busy machine slows both; of several rounds
the one counts whose ratio is the median. What they make is rolled back, so that every
round finds the data as it was.

``subjects/`` is executed inside of Odoo, everything else outside.
"""
