"""Invoice runs. They commit chunk by chunk: each needs projects of its own."""

import resource
from datetime import timedelta

from odoo.addons.psa_invoicing.models.schedule.psa_invoice_run_driving import RUN_CRON

from . import measured
from .copies import make_copies
from .data import LAST_DAY, PLAIN, make_projects
from .drafts import totals

DUE = LAST_DAY + timedelta(days=1)
# Made by Odoo; the others are copies.
ORIGINALS = 100


def make_due(env, number: int, entries: int, lines: int) -> list[int]:
    """Projects with a row of their schedule that is due.

    :param number: of them; of more than a hundred, most are copies
    :return: their ids
    """
    originals = min(ORIGINALS, number)
    ids = make_projects(env, originals, entries, lines, PLAIN)
    # sudo: as planned by a frequency when that day was still to come.
    env["psa.invoice.schedule"].sudo().create(
        [
            {
                "project_id": project_id,
                "run_date": DUE,
                "cutoff_date": LAST_DAY,
            }
            for project_id in ids
        ]
    )
    copies = -(-number // originals) - 1
    make_copies(env, ids, copies)
    made = env["project.project"].search([("id", ">=", min(ids))], order="id")
    return made.ids[:number]


def make_jobs(env, project_ids: list[int]) -> int:
    """Start a run of projects in the background, however few they are.

    :return: its id
    """
    projects = env["project.project"].browse(project_ids)
    run = env["psa.invoice.run"].sudo()._begin(DUE, projects)
    run.is_background = True
    run._leave_to_background()
    return run.id


def make_begin(env, project_ids: list[int] | None = None) -> dict:
    """Begin a run of what is due.

    :param project_ids: only of these projects
    :return: the ``run``; ``chunks``, in which it is billed; ``seconds`` and ``queries``
    """
    projects = project_ids and env["project.project"].browse(project_ids)
    with measured(env) as cost:
        run = env["psa.invoice.run"].sudo()._begin(DUE, projects)
    last = run.line_ids.search([("run_id", "=", run.id)], order="chunk DESC", limit=1)
    return {
        "run": run.id,
        "chunks": last.chunk,
        "seconds": cost.seconds,
        "queries": cost.queries,
    }


def make_part(env, run_id: int, chunks: int) -> dict:
    """Go on with a run, as the scheduled action does when it is called.

    :param chunks: how many of them; the last one ends the run
    :return: ``seconds`` and ``queries``
    """
    cron = env.ref(RUN_CRON)
    progress = env["ir.cron.progress"].sudo().create({"cron_id": cron.id})
    run = env["psa.invoice.run"].sudo().browse(run_id)
    # After each chunk there is no time left, and the scheduler is asked for more.
    run = run.with_context(
        cron_id=cron.id, ir_cron_progress_id=progress.id, cron_end_time=0
    )
    with measured(env) as cost:
        for _chunk in range(chunks):
            run._drive()
    return {"seconds": cost.seconds, "queries": cost.queries}


def made(env, run_id: int) -> dict:
    """What a run has made.

    :return: the number of its ``invoices``; ``totals``, those that occur; ``peak``, the
        most memory in MB that this process has used so far
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    run = env["psa.invoice.run"].sudo().browse(run_id)
    moves = run.invoice_ids
    assert (run.state, run.done, run.failed) == ("done", len(moves), 0)
    return {
        "invoices": len(moves),
        "totals": sorted({total[1:] for total in totals(moves)}),
        "peak": peak,
    }
