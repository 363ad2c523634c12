"""The benchmark runs, at a size at which its times mean nothing."""

from benchmark import __main__ as bench
from benchmark import drafts, screens, table, wizard
from benchmark.sizes import Sizes

SMALL = Sizes(
    projects=3,
    entries=6,
    lines=3,
    draft=120,
    milestones=8,
    few=12,
    many=24,
    review=200,
    together=3,
    installed=18,
    run=20,
    run_time=2,
    run_memory=3,
    shared=24,
    rounds=1,
)
NAMED = (
    "draft of 8 milestones",
    "time entry saved",
    "invoice posted",
    "invoice paid",
    "invoice of 3 sent together, prepared and posted",
    "invoice of 3 sent together, rendered and mailed",
    "invoice run over 20 projects, an invoice",
    "invoice run over 20 projects, memory",
    "invoice run over 24 projects, two workers, an invoice",
    "installation, 18 invoiced entries, their ledger",
    "installation, 18 invoiced entries, all of it",
)


def test_every_comparison_is_made():
    """The totals of all invoices are compared, to the cent, while it measures."""
    lines = bench.run(SMALL)
    told = table.text(lines)
    for kind in drafts.KINDS:
        for peer in drafts.NAMES.values():
            assert [
                line for line in lines if kind in line.what and line.peer_name == peer
            ], told
    for page in screens.PAGES:
        assert [line for line in lines if line.what.startswith(page)], told
    for label in wizard.STEPS:
        # Of one project, of as many, and of many beside one.
        of_wizard = [line for line in lines if f"wizard, {label}, " in line.what]
        assert [line.mark for line in of_wizard] == [wizard.MARK, wizard.MARK, None]
    assert set(NAMED) <= {line.what for line in lines}, told
    assert all(line.ours > 0 and line.peer > 0 for line in lines), told
