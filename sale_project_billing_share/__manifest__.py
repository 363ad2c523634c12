# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Sales Projects - Shares of a Fixed Price",
    "summary": "Invoice lines that bill an exact amount of an order line",
    "version": "19.0.1.0.0",
    "development_status": "Beta",
    "category": "Services/Project",
    "website": "https://github.com/psa-invoicing/psa_invoicing",
    "author": "Project Service Invoicing contributors",
    "license": "LGPL-3",
    "depends": ["sale_project"],
}
