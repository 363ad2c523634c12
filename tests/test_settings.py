"""Settings and PostgreSQL: what cannot work is said in a sentence."""

import re

import pytest

from tools import postgres
from tools.console import Problem
from tools.postgres_packages import RELEASES
from tools.settings import POSTGRES_VERSIONS, PostgresTarget, settings

VARIABLES = ("DATABASE_URL", "PG", "PGHOST", "PGPORT", "PORT", "PSA_STATE")


@pytest.fixture
def read_settings(monkeypatch):
    """Settings as of an environment that has these variables and no others."""

    def read(**environment: str):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return settings.__wrapped__()

    return read


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({"PG": "12"}, "PG is '12'."),
        ({"PG": "19"}, "PG is '19'."),
        ({"PG": "13.4"}, "PG is '13.4'."),
        ({"PG": "newest"}, "PG is 'newest'."),
        ({"PG": "13", "PGHOST": "db"}, "PG=13 asks for an embedded PostgreSQL"),
        ({"PG": "13", "DATABASE_URL": "postgresql://db/"}, "PG=13 asks"),
        ({"PGHOST": "db", "PGPORT": "many"}, "PGPORT is 'many'."),
        ({"DATABASE_URL": "postgresql:///"}, "DATABASE_URL names no host"),
        ({"DATABASE_URL": "postgresql://db:many/"}, "DATABASE_URL names no host"),
        ({"PORT": "80"}, "PORT is '80'."),
    ],
)
def test_what_makes_no_sense(read_settings, environment, what):
    with pytest.raises(Problem, match=re.escape(what)):
        read_settings(**environment)


def test_each_version_has_its_own_databases(read_settings, tmp_path):
    places = {
        read_settings(PG=str(version), PSA_STATE=str(tmp_path)).state
        for version in POSTGRES_VERSIONS
    }
    places.add(read_settings(PSA_STATE=str(tmp_path)).state)
    assert len(places) == len(POSTGRES_VERSIONS) + 1
    for place in places:
        place.mkdir(exist_ok=True)
    assert set(read_settings(PSA_STATE=str(tmp_path)).all_states) == places


def test_each_version_can_be_had():
    assert set(RELEASES) == set(POSTGRES_VERSIONS)
    for version, (release, _checksum) in RELEASES.items():
        assert release.startswith(f"{version}.")


def test_one_of_ones_own_that_is_too_old(monkeypatch):
    """As told by the server itself."""
    server = postgres.server()
    own = PostgresTarget(server.host, server.port, server.user, server.password)
    monkeypatch.setattr(postgres, "POSTGRES_VERSIONS", range(99, 100))
    monkeypatch.setattr(
        postgres, "settings", lambda: type("Own", (), {"postgres": own})
    )
    with pytest.raises(Problem, match="Odoo 19 needs 99 or newer"):
        postgres.server.__wrapped__()
