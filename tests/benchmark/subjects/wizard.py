"""The manual invoice from its settings to the review, as the web client asks for it."""

from odoo.fields import Command

from . import measured
from .data import LAST_DAY


def show(env, project_ids: list[int]) -> float:
    """Next."""
    wizard = _settings(env, project_ids)
    with measured(env) as cost:
        _next(wizard)
    return cost.seconds


def tick_all(env, project_ids: list[int]) -> float:
    """The tick in the head of the review: every row is written, whatever it was."""
    wizard = _settings(env, project_ids)
    _next(wizard)
    with measured(env) as cost:
        wizard.review_tick(True, {})
    return cost.seconds


def back_and_next(env, project_ids: list[int]) -> float:
    """Back, and Next again, with a row that is not ticked."""
    wizard = _settings(env, project_ids)
    _next(wizard)
    wizard.review_tick(False, {"row": wizard.review["rows"][0]["id"]})
    with measured(env) as cost:
        wizard.action_back()
        _next(wizard)
    return cost.seconds


def _settings(env, project_ids: list[int]):
    return env["psa.manual.invoice"].create(
        {"project_ids": [Command.set(project_ids)], "cutoff_date": LAST_DAY}
    )


def _next(wizard):
    wizard.action_next()
    wizard.web_read({"step": {}, "review": {}})
