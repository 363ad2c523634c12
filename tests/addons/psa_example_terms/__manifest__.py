# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Example: Contract Terms",
    "summary": "A few lines for each place where contract terms come in",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "psa_invoicing contributors",
    "website": "https://github.com/psa-invoicing/psa_invoicing",
    "category": "Services/Project",
    "depends": ["psa_invoicing"],
}
