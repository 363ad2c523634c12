"""Invoice runs. They commit chunk by chunk: each needs projects of its own."""

import resource
from datetime import timedelta

from . import measured
from .data import LAST_DAY, PLAIN, make_projects
from .drafts import totals

DUE = LAST_DAY + timedelta(days=1)


def make_due(env, number: int, entries: int, lines: int) -> list[int]:
    """Projects with a row of their schedule that is due.

    :return: their ids
    """
    ids = make_projects(env, number, entries, lines, PLAIN)
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
    return ids


def make_jobs(env, project_ids: list[int]) -> int:
    """Start a run of projects in the background, however few they are.

    :return: its id
    """
    projects = env["project.project"].browse(project_ids)
    run = env["psa.invoice.run"].sudo()._begin(DUE, projects)
    run.is_background = True
    run._leave_to_background()
    return run.id


def make_run(env, project_ids: list[int] | None = None) -> dict:
    """Bill what is due, as the scheduled action does.

    :param project_ids: only of these projects
    :return: ``seconds`` and ``queries`` for each invoice; ``peak``, the most memory in
        MB that this process has used so far; ``invoices``; ``totals``, those that occur
    """
    projects = project_ids and env["project.project"].browse(project_ids)
    with measured(env) as cost:
        run = env["psa.invoice.run"].sudo()._run_due(DUE, projects)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    moves = run.invoice_ids
    assert (run.state, run.done, run.failed) == ("done", len(moves), 0)
    return {
        "seconds": cost.seconds / len(moves),
        "queries": cost.queries / len(moves),
        "peak": peak,
        "invoices": len(moves),
        "totals": sorted({total[1:] for total in totals(moves)}),
    }
