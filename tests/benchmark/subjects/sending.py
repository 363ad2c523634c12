"""Several invoices sent to their customers at once.

The document stays HTML, as in Odoo's own tests, and no mail leaves: what is measured
is rolled back, and mail leaves with a commit.
"""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.tools import config

from . import measured
from .drafts import totals

# What Odoo's dialog for several shows.
SHOWN = {"move_ids": {}, "summary_data": {}, "alerts": {}}
# What the dialog of this add-on shows.
LISTED = {
    "summary": {},
    "line_ids": {
        "fields": {"move_id": {}, "recipients": {}, "subject": {}},
        "limit": 40,
    },
}


def ours(env, move_ids: list[int]) -> dict:
    """Send to Customer, and Send in its dialog: that confirms the drafts."""
    moves = env["account.move"].browse(move_ids)

    def look_and_send():
        action = moves.action_psa_send()
        dialog = env[action["res_model"]].browse(action["res_id"])
        dialog.web_read(LISTED)
        dialog.action_send()

    return _sent(env, moves, look_and_send)


def plain(env, move_ids: list[int]) -> dict:
    """Drafts of Odoo's own, posted and sent."""
    moves = env["account.move"].browse(move_ids)

    def post_and_send():
        moves.action_post()
        _confirm_dialog(env, moves.action_send_and_print())

    return _sent(env, moves, post_and_send)


def _sent(env, moves, prepare) -> dict:
    """Send invoices in Odoo's dialog, then as its scheduled action does.

    :param prepare: confirms them and hands them over
    :return: seconds for each invoice, and totals
    """
    env.company.email = "billing@example.com"
    with measured(env) as prepared:
        prepare()
    with _no_commit(), measured(env) as delivered:
        env["account.move.send"]._generate_and_send_invoices(moves, from_cron=True)
    assert all(move.invoice_pdf_report_id and move.message_ids for move in moves)
    return {
        "prepared and posted": prepared.seconds / len(moves),
        "rendered and mailed": delivered.seconds / len(moves),
        "totals": totals(moves),
    }


def _confirm_dialog(env, action: dict):
    """Open a dialog as the web client does, and press its button."""
    Dialog = env[action["res_model"]].with_context(action["context"])
    Dialog.onchange({}, [], SHOWN)
    Dialog.create({}).action_send_and_print()


@contextmanager
def _no_commit():
    """As in Odoo's own tests: HTML instead of PDF, and no commit on the way."""
    with patch.dict(config.options.maps[0], test_enable=True):
        yield
