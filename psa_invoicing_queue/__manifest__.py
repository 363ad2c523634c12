# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "Project Service Invoicing - Job Queue",
    "summary": "Invoice runs by several processes or machines at once",
    "version": "19.0.1.0.0",
    "development_status": "Beta",
    "category": "Services/Project",
    "website": "https://github.com/psa-invoicing/psa_invoicing",
    "author": "Project Service Invoicing contributors",
    "license": "LGPL-3",
    "depends": ["psa_invoicing", "queue_job"],
    "data": ["data/queue_job.xml"],
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
