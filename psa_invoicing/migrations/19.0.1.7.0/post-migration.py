# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """What is written off goes with its transaction from here on; what was written off
    in a period that is closed since stays where it is, and the audit names it.

    What time and milestones have billed of a line that is billed itself since, counts.
    What is open of fixed prices is not rounded any more.
    Drafts in review are what they are now; what is reset later is looked at again.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    audit = env["psa.ledger.audit"]
    for record, _message in audit._check_write_off_place():
        (record - record._psa_stay_written_off())._psa_follow_write_offs()
    audit._gone_write_offs()._end_write_off()
    finer = [("transaction_type", "in", ("time", "milestone"))]
    groups = env["psa.invoice.detail"]._read_group(
        finer, [], ["sale_line_id:recordset"]
    )
    lines = groups[0][0].filtered(lambda line: line._psa_is_billed_itself())
    lines._psa_refresh_excluded_quantity()
    env["sale.order.line"]._psa_fixed_prices()._psa_compute_fixed_prices()
    in_review = [("billing_review", "!=", False), ("state", "=", "draft")]
    for move in env["account.move"].search(in_review):
        move.billing_reviewed_digest = move._psa_review_digest()
