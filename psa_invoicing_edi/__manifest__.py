# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Project Service Invoicing - E-Invoices",
    "summary": "The billing period of project invoices in UBL, Peppol and Factur-X",
    "version": "19.0.1.0.0",
    "development_status": "Beta",
    "category": "Services/Project",
    "website": "https://github.com/psa-invoicing/psa_invoicing",
    "author": "Project Service Invoicing contributors",
    "license": "LGPL-3",
    "depends": ["psa_invoicing", "account_edi_ubl_cii"],
    "data": ["data/cii_templates.xml"],
    "auto_install": True,
}
