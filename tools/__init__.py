"""Developer tools: a real Odoo, PostgreSQL and browser for this add-on.

``python3 -m tools <command>`` needs nothing but Python and its standard library to
start with; it builds an environment of its own and continues in there.
"""

import sys

MINIMUM, MAXIMUM = (3, 10), (3, 13)

# Asked here, in words that the oldest Python understands: other files are newer.
if not MINIMUM <= sys.version_info[:2] <= MAXIMUM:
    sys.exit(
        "\nProblem: This is Python "
        + sys.version.split()[0]
        + "; Odoo 19 runs on 3.10 to 3.13."
        + "\nRemedy:  Install one of these and name it: make run PYTHON=python3.12"
    )
