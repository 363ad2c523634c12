"""``run``: the demo in the browser."""

import socket
import sys

from . import background, database, odoo_process, system_packages
from .console import Problem, say, step
from .settings import settings

SMTP_PORT_OFFSET = 1000
TRY = """
  {address}   login: admin   password: admin

  Three things to try:
  1. Project Service > Invoices > Run Due Invoices: the demo projects that are due
     today become draft invoices. Open one, change a row, Recalculate.
  2. On a draft, Send to Customer: the mail with its PDF lands in
     {mail}
     Then Mark as Paid.
  3. Project Service > Projects > Website relaunch > Invoice: choose the cut-off date
     and what to bill, Next, Finish.

  make stop ends it, make clean removes everything.  Log: {log}
"""


def address() -> str:
    return f"http://127.0.0.1:{settings().port}"


def run() -> int:
    """Bring the demo up and say where it is."""
    if not background.runs_with(
        "web", f"--http-port={settings().port}", f"--database={settings().database}"
    ):
        background.stop("web")
        _check_port()
    system_packages.ensure(system_packages.PDF, required=False)
    name = settings().database
    changed = _ensure_database(name)
    log = settings().logs / "web.log"
    if changed:
        background.stop("web")
    if not background.running("web"):
        smtp_port = settings().port + SMTP_PORT_OFFSET
        _start_mail_catcher(smtp_port)
        with step("Web client"):
            process = background.start(
                "web",
                odoo_process.command(
                    name,
                    f"--http-port={settings().port}",
                    "--smtp=127.0.0.1",
                    f"--smtp-port={smtp_port}",
                    "--max-cron-threads=1",
                ),
                mark=f"--database={name}",
                log=log,
                env=odoo_process.environment(),
            )
            odoo_process.wait_until_up(process, log, address())
    say(TRY.format(address=address(), mail=settings().mail, log=log))
    return 0


def _ensure_database(name: str) -> bool:
    """Create or upgrade the demo database.

    :return: whether a running server must be restarted
    """
    if not database.exists(name):
        template = database.addon_template()
        with step(f"Database {name}"):
            database.copy(template, name)
            database.mark_current(name)
        return True
    if database.is_current(name):
        return False
    if not database.installed_version(name):
        raise Problem(
            f"There is a database {name!r} without this add-on.",
            "Name another one: make run DB=psa_demo2",
        )
    background.stop("web")
    database.upgrade(name)
    return True


def _check_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings().port))
        except OSError as error:
            raise Problem(
                f"Port {settings().port} is taken by another program.",
                f"Choose another one: make run PORT={settings().port + 1}",
            ) from error


def _start_mail_catcher(port: int) -> None:
    background.stop("mail-catcher")
    background.start(
        "mail-catcher",
        [
            sys.executable,
            "-m",
            "tools.mail_catcher",
            f"--port={port}",
            f"--folder={settings().mail}",
        ],
        mark="tools.mail_catcher",
        log=settings().logs / "mail-catcher.log",
    )
