"""Developer tools: a real Odoo, PostgreSQL and browser for this add-on.

``python3 -m tools <command>`` needs nothing but Python and its standard library to
start with; it builds an environment of its own and continues in there.
"""
