# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Example: Monthly Hours",
    "summary": "No more than so many hours of a project are billed of a month",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "psa_invoicing contributors",
    "website": "https://github.com/psa-invoicing/psa_invoicing",
    "category": "Services/Project",
    "depends": ["psa_invoicing"],
}
