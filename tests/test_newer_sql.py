"""SQL that the oldest PostgreSQL would not understand is found, and nothing else.

The PostgreSQL that the tests run on has the last word, whatever its version.
"""

import subprocess
import sys

import psycopg2
import pytest

from tools import database, odoo_process
from tools.newer_sql import (
    CALLS,
    FUNCTION_VERSIONS,
    SETTING_VERSIONS,
    TYPE_VERSIONS,
    newer_constructs,
)
from tools.settings import POSTGRES_VERSIONS

OLDEST = POSTGRES_VERSIONS[0]
# A test that sends SQL as Odoo does, and one that does not.
SENDING = """
from odoo.sql_db import db_connect
from odoo.tools import config

config.parse_config({options!r})

def test_that_sends():
    with db_connect("postgres").cursor() as cursor:
        cursor.execute({statement!r}, [1])

def test_that_is_not_to_blame():
    pass
"""
TABLES = """
    CREATE TEMPORARY TABLE item (
        id int PRIMARY KEY, parent int, note text, extra jsonb);
    CREATE TEMPORARY TABLE part (id int, item int);
"""
NEWER = (
    (14, "SELECT extra['key'] FROM item"),
    (14, "SELECT COUNT(*) name FROM item"),
    (14, "SELECT 'é' a, note IS DISTINCT FROM 'e' value FROM item"),
    (14, "INSERT INTO item (id) VALUES (1) RETURNING id + 1 value"),
    (14, "SELECT id, parent FROM item GROUP BY DISTINCT CUBE (id, parent)"),
    (14, "SELECT joined.id FROM item JOIN part USING (id) AS joined"),
    (14, "SELECT SUBSTRING(note SIMILAR '%#\"a#\"%' ESCAPE '#') FROM item"),
    (14, "CREATE STATISTICS sizes ON (id + 1), (parent + 1) FROM item"),
    (14, "CREATE FUNCTION two() RETURNS int RETURN 2"),
    (14, "CREATE TEMPORARY TABLE new (note text COMPRESSION pglz)"),
    (14, "ALTER TABLE item ALTER note SET COMPRESSION pglz"),
    (14, "SELECT '{}'::int4multirange"),
    (14, "SET LOCAL enable_memoize = off"),
    (14, "SELECT date_bin('1 day', now(), now())"),
    (
        14,
        """WITH RECURSIVE tree AS (
               SELECT id FROM item UNION ALL
               SELECT item.id FROM item JOIN tree ON item.parent = tree.id
           ) SEARCH DEPTH FIRST BY id SET place SELECT id FROM tree""",
    ),
    (
        14,
        """WITH RECURSIVE tree AS (
               SELECT id FROM item UNION ALL
               SELECT item.id FROM item JOIN tree ON item.parent = tree.id
           ) CYCLE id SET again USING path SELECT id FROM tree""",
    ),
    (
        14,
        "CREATE OR REPLACE TRIGGER same BEFORE UPDATE ON item "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    (15, "CREATE UNIQUE INDEX ON item (parent) NULLS NOT DISTINCT"),
    (15, "CREATE TEMPORARY TABLE new (id int UNIQUE NULLS NOT DISTINCT)"),
    (15, "CREATE TEMPORARY VIEW new WITH (security_invoker) AS SELECT id FROM item"),
    (15, "ALTER TABLE item SET ACCESS METHOD heap"),
    (15, "SELECT regexp_replace(note, 'a', 'b', 1, 1, 'i') FROM item"),
    (
        15,
        """CREATE TEMPORARY TABLE new (
               a int, b int REFERENCES item ON DELETE SET NULL (b))""",
    ),
    (
        15,
        "MERGE INTO item USING part ON item.id = part.item "
        "WHEN MATCHED THEN UPDATE SET note = 'x'",
    ),
    (16, "SELECT COUNT(*) FROM (SELECT FROM item LIMIT 1)"),
    (16, "SELECT part.id FROM part JOIN (SELECT 1 AS id) USING (id)"),
    (16, "SELECT part.id FROM part CROSS JOIN LATERAL (SELECT part.id LIMIT 1)"),
    (16, "SELECT * FROM (VALUES (1), (2))"),
    (16, "WITH two AS (SELECT * FROM (SELECT 2 AS two)) SELECT two FROM two"),
    (16, "SELECT id FROM item WHERE EXISTS (SELECT FROM (SELECT 1 AS one))"),
    (16, "UPDATE item SET note = 'x' FROM (SELECT 1 AS one) WHERE id = one"),
    (16, "DELETE FROM item USING (SELECT 1 AS one) WHERE id = one"),
    (16, "INSERT INTO part SELECT id, id FROM (SELECT 1 AS id)"),
    (16, "SELECT 1; SELECT 2 FROM (SELECT 1)"),
    (16, "SELECT 1_000 + 1"),
    (16, "SELECT 0xff + 1"),
    (16, "SELECT 0b11 + 1"),
    (16, "SELECT any_value(id) FROM item"),
    (16, "SELECT extra IS JSON FROM (SELECT '{}' AS extra) AS texts"),
    (16, "SELECT JSON_OBJECT('a': 1)"),
    (16, "SELECT JSON_ARRAY(1, 2)"),
    (16, "SELECT JSON_ARRAY(SELECT id FROM item)"),
    (16, "SELECT JSON_OBJECTAGG(id: note) FROM item"),
    (16, "SELECT JSON_ARRAYAGG(id) FROM item"),
    (16, "SELECT SYSTEM_USER"),
    (16, "CREATE TEMPORARY TABLE new (note text STORAGE plain)"),
    (16, "EXPLAIN (GENERIC_PLAN) SELECT id FROM item"),
    (17, "SELECT JSON_VALUE(extra, '$.a') FROM item"),
    (17, "SELECT JSON_EXISTS(extra, '$.a') FROM item"),
    (17, "SELECT JSON_QUERY(extra, '$.a') FROM item"),
    (17, "SELECT JSON('{}' WITH UNIQUE KEYS)"),
    (17, "SELECT JSON_SCALAR(1)"),
    (17, "SELECT JSON_SERIALIZE('{}')"),
    (17, "SELECT * FROM JSON_TABLE('[]'::jsonb, '$' COLUMNS (a int)) AS rows"),
    (17, "SELECT random(1, 6)"),
    (17, "SELECT now() AT LOCAL"),
    (17, "EXPLAIN (MEMORY) SELECT id FROM item"),
    (18, "UPDATE item SET note = 'x' RETURNING old.note"),
    (18, "UPDATE item SET note = 'x' RETURNING WITH (OLD AS was) was.note"),
    (18, "CREATE TEMPORARY TABLE new (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)"),
    (
        18,
        """CREATE TEMPORARY TABLE new (
               a int4range, b daterange, UNIQUE (a, b WITHOUT OVERLAPS))""",
    ),
)
# As many of the constructs in forms that were always there, and text that is not SQL.
OLD = (
    "SELECT COUNT(*) FROM (SELECT FROM item LIMIT 1) AS rest",
    "SELECT COUNT(*) FROM (SELECT id FROM item LIMIT 1) rest",
    "SELECT * FROM (VALUES (1), (2)) AS numbers (number)",
    "SELECT item.id FROM item, LATERAL (SELECT item.id LIMIT 1) AS one",
    "SELECT id FROM item WHERE id IN (SELECT id FROM part)",
    "SELECT (SELECT 1), ARRAY(SELECT id FROM item), EXISTS (SELECT FROM item)",
    "SELECT note FROM item, generate_series(1, 2), unnest('{1}'::int[])",
    "SELECT '(SELECT 1 FROM (SELECT 2))', $$FROM (SELECT 1)$$ /* FROM (SELECT 1) */",
    'SELECT note AS name, parent number_of, id AS "value", 2 "name" FROM item',
    "SELECT id IS DISTINCT FROM parent, EXTRACT(year FROM now()) FROM item",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) AS half FROM item",
    "WITH two AS MATERIALIZED (SELECT 2 AS two) SELECT two FROM two",
    "SELECT note SIMILAR TO 'a', SUBSTRING(note FROM 'a' FOR '#') FROM item",
    "SELECT (ARRAY[1, 2])[1], extra -> 'key', extra #>> '{a,b}' FROM item",
    "SELECT JSON('{}'), JSONB('{}')",
    "SELECT random(), regexp_replace(note, 'a', 'b', 'g') FROM item",
    "SELECT now() AT TIME ZONE 'UTC', json_object('{a,1}'), 1000, 1e3, 'a_b' FROM item",
    "INSERT INTO item (id) VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING id AS name",
    "CREATE UNIQUE INDEX ON item (parent) INCLUDE (note) WHERE parent IS NOT NULL",
    "CREATE TEMPORARY TABLE new (a int, b int GENERATED ALWAYS AS (a) STORED)",
    "SELECT id FROM item ORDER BY id FETCH FIRST 1 ROW WITH TIES",
)


@pytest.fixture(scope="module")
def cursor():
    with database.server().cursor() as cursor:
        cursor.execute(TABLES)
        yield cursor


def is_understood(cursor, statement: str) -> bool:
    cursor.execute("BEGIN")
    try:
        cursor.execute(statement)
        return True
    except psycopg2.Error:
        return False
    finally:
        cursor.execute("ROLLBACK")


def version_of(cursor) -> int:
    return cursor.connection.server_version // 10000


@pytest.mark.parametrize(("version", "statement"), NEWER)
def test_what_is_newer_is_found(cursor, version, statement):
    found = newer_constructs(statement)
    assert len(found) == 1
    assert found[0].endswith(f" needs PostgreSQL {version}")
    assert is_understood(cursor, statement) == (version_of(cursor) >= version)


@pytest.mark.parametrize("statement", OLD)
def test_what_is_old_is_left_alone(cursor, statement):
    assert newer_constructs(statement) == []
    assert is_understood(cursor, statement)


def test_what_nobody_understands_is_left_to_postgresql():
    assert newer_constructs("SELECT FROM FROM (SELECT 1)") == []


def test_names_are_those_of_postgresql(cursor):
    """Each function, type and setting is there since the version that is listed."""
    for names, query in (
        (FUNCTION_VERSIONS, "SELECT proname FROM pg_proc"),
        (TYPE_VERSIONS, "SELECT typname FROM pg_type"),
        (SETTING_VERSIONS, "SELECT name FROM pg_settings"),
    ):
        cursor.execute(query)
        known = {name for (name,) in cursor.fetchall()}
        assert {name for name in names if name in known} == {
            name
            for name, version in names.items()
            if OLDEST < version <= version_of(cursor)
        }


def test_calls_are_those_of_postgresql(cursor):
    """Each number of arguments is possible since the version that is listed."""
    cursor.execute(
        "SELECT proname, generate_series(pronargs - pronargdefaults, pronargs::int) "
        "FROM pg_proc WHERE proname = ANY(%s)",
        [[name for name, _arguments in CALLS]],
    )
    known = set(cursor.fetchall())
    for call, version in CALLS.items():
        assert (call in known) == (version <= version_of(cursor)), call


@pytest.mark.parametrize(
    ("statement", "version"),
    [
        ("SELECT 'found' FROM (SELECT %s)", 16),
        ("SELECT 'not found' FROM (SELECT %s) AS one", None),
    ],
)
def test_the_test_fails_that_sends_it(cursor, tmp_path, statement, version):
    """Once, and no other; an old PostgreSQL refuses it before it can be read."""
    script = tmp_path / "test_sending.py"
    options = database.server().odoo_options()
    script.write_text(SENDING.format(options=options, statement=statement))
    command = [sys.executable, "-m", "pytest", "-p", "tools.sql_watch", "-rA"]
    done = subprocess.run(
        [*command, "-p", "no:odoo", "-p", "no:cacheprovider", str(script)],
        env=odoo_process.environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "PASSED test_sending.py::test_that_is_not_to_blame" in done.stdout
    if not version:
        assert done.returncode == 0, done.stdout
    elif version_of(cursor) < version:
        assert "FAILED test_sending.py::test_that_sends" in done.stdout
    else:
        assert "ERROR test_sending.py::test_that_sends" in done.stdout
        assert f"needs PostgreSQL {version}:\nSELECT 'found'" in done.stdout
    assert "ERROR test_sending.py::test_that_is_not_to_blame" not in done.stdout
