"""What is executed inside of Odoo: each function gets ``env``, and is rolled back.

Functions called ``make_…`` make data, and are committed.
"""

import gc
import os
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection


@dataclass
class Cost:
    """:ivar seconds: from begin to end, with everything written to the database
    :ivar queries: sent to PostgreSQL
    """

    seconds: float = 0.0
    queries: int = 0


@contextmanager
def measured(env):
    """Time what is done inside, with a cold cache and all of it flushed.

    Also what waits for a commit, as messages about changes do: savepoints do not wait.
    """
    env.cr.flush()
    env.invalidate_all()
    gc.collect()
    cost = Cost()
    queries, begin = env.cr.sql_log_count, time.perf_counter()
    yield cost
    env.cr.flush()
    cost.seconds = time.perf_counter() - begin
    cost.queries = env.cr.sql_log_count - queries


def serve(env):
    """Take orders until there are no more."""
    connection = Connection(int(os.environ["BENCHMARK_PIPE"]))
    admin = env.ref("base.user_admin").id
    # What the shell has read would keep its transaction open.
    env.cr.commit()
    while order := connection.recv():
        connection.send(_act(env, admin, *order))


def _act(env, admin: int, what: str, arguments: tuple, options: dict) -> tuple:
    module, _dot, function = what.partition(".")
    with env.registry.cursor() as cr:
        own = env(cr=cr, user=admin)
        act = getattr(import_module(f"{__name__}.{module}"), function)
        try:
            result = act(own, *arguments, **options)
        except Exception:  # noqa: BLE001 (told to whoever asked, who stops)
            cr.rollback()
            return None, traceback.format_exc()
        if function.startswith("make_"):
            own.flush_all()
            cr.commit()
        else:
            cr.rollback()
        own.transaction.reset()
        return result, ""
