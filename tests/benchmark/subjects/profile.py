"""Where the time of a draft invoice goes."""

import cProfile
import io
import pstats

from .data import LAST_DAY

# The steps of billing, in order, by the function that does each.
STEPS = {
    "select": "_select",
    "group": "_group",
    "values": "_invoice_lines",
    "complete": "_complete",
    "create": "account_move.py:create",
    "ledger": "_add_details",
    "log": "_psa_log_origin",
}
TOLD = 40


def drafts(env, project_ids: list[int]) -> dict:
    """Bill projects under a profiler.

    :return: ``steps``: seconds of each, as the profiler slows them; ``total``;
        ``functions``: the dearest, as text
    """
    projects = env["project.project"].browse(project_ids)
    # What only the first time costs is not what an invoice costs.
    with env.cr.savepoint() as savepoint:
        projects[:1]._psa_invoice(LAST_DAY)
        savepoint.rollback()
    env.invalidate_all()
    profiler = cProfile.Profile()
    profiler.enable()
    moves = projects._psa_invoice(LAST_DAY)
    env.flush_all()
    profiler.disable()
    out = io.StringIO()
    stats = pstats.Stats(profiler, stream=out).strip_dirs()
    stats.sort_stats("tottime").print_stats(TOLD)
    return {
        "invoices": len(moves),
        "total": stats.total_tt,
        "steps": {step: _seconds(stats, name) for step, name in STEPS.items()},
        "functions": out.getvalue(),
    }


def _seconds(stats: pstats.Stats, name: str) -> float:
    """With all that the function calls; of overrides, the outermost."""
    file, _colon, function = name.rpartition(":")
    return max(
        (
            cumulated
            for (where, _line, called), (
                _calls,
                _primitive,
                _own,
                cumulated,
                _callers,
            ) in stats.stats.items()
            if called == function and file in ("", where)
        ),
        default=0.0,
    )
