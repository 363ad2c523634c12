# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Example: Neighbours",
    "summary": "What add-ons of others do in Odoo's hooks",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "psa_invoicing contributors",
    "website": "https://github.com/psa-invoicing/psa_invoicing",
    "category": "Services/Project",
    "depends": ["psa_invoicing"],
}
