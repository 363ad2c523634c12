# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """What is written off goes with its transaction from here on; what was written off
    in a period that is closed since stays where it is, and the audit names it."""
    audit = api.Environment(cr, SUPERUSER_ID, {})["psa.ledger.audit"]
    for record, _message in audit._check_write_off_place():
        (record - record._psa_stay_written_off())._psa_follow_write_offs()
    audit._gone_write_offs()._end_write_off()
