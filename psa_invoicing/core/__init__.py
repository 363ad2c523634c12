# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Plain Python: arithmetic that needs no database and no Odoo environment."""
