"""Which wkhtmltopdf is taken, and what is said where it is not the right one."""

import shutil
import stat

import pytest
from printing import PATCHED, UNPATCHED, engine

from tools import pdf_engine, settings


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with nothing in the cache, and only what a test puts in its path."""
    monkeypatch.setenv("PSA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    settings.settings.cache_clear()
    pdf_engine.forget()
    yield tmp_path / "bin"
    settings.settings.cache_clear()
    pdf_engine.forget()


@pytest.fixture(scope="module")
def programs():
    return {kind: engine(kind) for kind in (PATCHED, UNPATCHED)}


def put(folder, program: str | None) -> None:
    if not program:
        pytest.skip("There is no such wkhtmltopdf on this machine.")
    (folder / pdf_engine.PROGRAM).symlink_to(program)


def put_in_cache(program) -> None:
    folder = settings.settings().cache / f"{pdf_engine.PACKAGE}-{pdf_engine.VERSION}"
    folder.mkdir(parents=True)
    shutil.copy(program, folder / pdf_engine.PROGRAM)


def taken() -> str | None:
    return shutil.which(pdf_engine.PROGRAM, path=pdf_engine.path())


def test_one_is_fetched_and_taken_before_the_unpatched(programs, machine, capsys):
    put(machine, programs[UNPATCHED])
    pdf_engine.fetch()
    assert taken() == pdf_engine.fetched()
    assert pdf_engine.is_patched()
    pdf_engine.explain()
    assert "header" not in capsys.readouterr().out


def test_the_machines_own_is_taken_if_it_is_patched(programs, machine):
    put(machine, programs[PATCHED])
    put_in_cache(programs[PATCHED])
    assert taken() == str(machine / pdf_engine.PROGRAM)


def test_nothing_is_fetched_where_there_is_one(programs, machine, capsys):
    put(machine, programs[PATCHED])
    pdf_engine.fetch()
    assert not pdf_engine.fetched()
    assert not capsys.readouterr().out


def test_what_an_unpatched_one_leaves_out_is_said_in_one_line(
    programs, machine, capsys
):
    put(machine, programs[UNPATCHED])
    pdf_engine.explain()
    (line,) = capsys.readouterr().out.splitlines()
    for part in ("seller", "page numbers", "one at a time"):
        assert part in line


def test_one_that_does_not_run_is_named(programs, machine, capsys, tmp_path):
    """As where a library is missing, or on another kind of processor."""
    put(machine, programs[UNPATCHED])
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    put_in_cache(broken)
    assert taken() == str(machine / pdf_engine.PROGRAM)
    pdf_engine.explain()
    *_others, last = capsys.readouterr().out.splitlines()
    assert "does not run" in last
    assert "Exec format error" in last


def test_another_package_than_the_one_tried_is_refused(machine, tmp_path):
    package = tmp_path / "package.tar.gz"
    package.write_bytes(b"something else")
    with pytest.raises(LookupError, match="not the one that was tried"):
        pdf_engine._download(package.as_uri())
    assert not pdf_engine.fetched()
