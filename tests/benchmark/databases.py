"""The databases: one without the add-on, and copies of it with the add-on."""

from contextlib import contextmanager

from tools import database
from tools.console import step
from tools.odoo_process import run_to_end
from tools.settings import ADDON, settings

from . import peers
from .process import Subject

WITHOUT, WITH = "psa_bench_without", "psa_bench_with"
SMALL, LARGE = "psa_bench_small", "psa_bench_large"
ONE_WORKER, TWO_WORKERS = "psa_bench_one_worker", "psa_bench_two_workers"
FEW_DUE, MANY_DUE = "psa_bench_few_due", "psa_bench_many_due"
HISTORY = "psa_bench_history"


@contextmanager
def subject(name: str):
    """A process on a database, as long as the ``with`` block."""
    process = Subject.start(name)
    try:
        yield process
    finally:
        process.stop()


def prepare(make_data):
    """The same data without the add-on and with it.

    :param make_data: called with the process without the add-on
    :return: what ``make_data`` returns
    """
    with step("Data without the add-on"):
        database.copy(database.empty_base(), WITHOUT)
        _install(WITHOUT, "contract")
        made = _fill(WITHOUT, make_data)
    with step("The same with it"):
        database.copy(WITHOUT, WITH)
        _install(WITH, ADDON)
        _fill(WITH)
    return made


def prepare_one(make_data):
    """Only the add-on.

    :return: what ``make_data`` returns
    """
    with step("A database with the add-on"):
        database.copy(database.empty_template(), WITH)
        return _fill(WITH, make_data)


def prepare_pages(make_small, make_large):
    """The add-on with a few open transactions, and with a lot.

    :return: what ``make_small`` returns
    """
    with step("A database with little that is open"):
        database.copy(database.empty_template(), SMALL)
        made = _fill(SMALL, make_small)
    with step("A database with a lot"):
        database.copy(SMALL, LARGE)
        _fill(LARGE, make_large)
    return made


def prepare_runs(make_few, make_many):
    """The add-on with a few projects that are due, and with a lot.

    :param make_many: called with the process and with what ``make_few`` returns
    :return: what ``make_few`` returns
    """
    with step("A database with few projects that are due"):
        database.copy(database.empty_template(), FEW_DUE)
        made = _fill(FEW_DUE, make_few)
    with step("A database with many"):
        database.copy(FEW_DUE, MANY_DUE)
        _fill(MANY_DUE, lambda process: make_many(process, made))
    return made


def prepare_workers(make_data):
    """The add-on with the job queue, twice the same.

    :return: what ``make_data`` returns
    """
    with step("Databases with the job queue"):
        database.copy(database.queue_template(), ONE_WORKER)
        made = _fill(ONE_WORKER, make_data)
        database.copy(ONE_WORKER, TWO_WORKERS)
        return made


def prepare_history(make_data):
    """Years of invoices without the add-on.

    :return: what ``make_data`` returns
    """
    with step("A database with history"):
        database.copy(database.empty_base(), HISTORY)
        return _fill(HISTORY, make_data)


def drop():
    """Leave nothing behind."""
    for name in (
        *(WITHOUT, WITH, SMALL, LARGE),
        *(FEW_DUE, MANY_DUE, ONE_WORKER, TWO_WORKERS, HISTORY),
    ):
        database.drop(name)


def _fill(name: str, make_data=None):
    with subject(name) as process:
        process.ask("data.make_rights")
        made = make_data and make_data(process)
    database.settle(name)
    return made


def _install(name: str, modules: str):
    log = settings().logs / f"{name}.log"
    run_to_end(name, log, f"--init={modules}", *peers.options())
