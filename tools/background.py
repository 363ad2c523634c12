"""Processes that outlive the command that started them, known by their pid file; and
turns that processes of this checkout take."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from .console import Problem
from .settings import settings


@contextmanager
def alone(what: str):
    """Do something that only one process of this checkout may do at a time."""
    settings().state.mkdir(parents=True, exist_ok=True)
    with (settings().state / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pid_file(name: str) -> Path:
    return settings().state / f"{name}.pid"


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def runs_with(name: str, *arguments: str) -> bool:
    """Whether it is running, and was started with these arguments."""
    pid = running(name)
    return pid is not None and set(arguments) <= set(_command_line(pid).split(" "))


def running(name: str) -> int | None:
    """:return: the process id, or None when it is not running (any more)."""
    try:
        pid, mark = _pid_file(name).read_text().split("\n", 1)
    except (FileNotFoundError, ValueError):
        return None
    # A pid is used again after a reboot: only ours carries this mark.
    return int(pid) if mark and mark in _command_line(int(pid)) else None


def start(
    name: str, command: list[str], mark: str, log: Path, env=None
) -> subprocess.Popen:
    """Start ``command`` in a session of its own.

    :param mark: part of the command line by which the process is recognised
    :param log: file that takes what it prints
    :return: the process, to see whether it stays alive
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
        )
    _pid_file(name).write_text(f"{process.pid}\n{mark}")
    return process


def stop(name: str, seconds: float = 20) -> bool:
    """Stop the process and wait for its end.

    :return: whether there was one
    """
    pid = running(name)
    _pid_file(name).unlink(missing_ok=True)
    if pid is None:
        return False
    terminate(pid, seconds)
    return True


def terminate(pid: int, seconds: float, how: int = signal.SIGTERM) -> None:
    """End a process, politely first, and wait until it is gone."""
    try:
        os.kill(pid, how)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _ended(pid):
                return
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise Problem(
            f"Process {pid} belongs to somebody else.", "Stop it as that user."
        ) from error


def _ended(pid: int) -> bool:
    try:
        # A child of this very process stays as a zombie until it is waited for.
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return not _command_line(pid)
