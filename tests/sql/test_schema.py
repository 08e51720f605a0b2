"""Migrations and the objects of sql/: one transaction, safe to repeat, the same schema by any way."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schema_dump import DUMP, MAJOR, dump

from fleettickets import db
from fleettickets.demo.installation import find_installation
from fleettickets.errors import FleetticketsError
from fleettickets.migrate import MIGRATIONS, OBJECTS, migrate, pending

if TYPE_CHECKING:
    from fleettickets.db import Connection

same_major = pytest.mark.skipif(
    find_installation().major != MAJOR,
    reason=f"the committed dump is of PostgreSQL {MAJOR}; versions differ in wording",
)
OUR_FUNCTIONS = """
    SELECT proc.oid, proc.oid::regprocedure::text, proc.prosrc, proc.prosecdef, proc.proconfig, lang.lanname
    FROM pg_proc AS proc
    JOIN pg_namespace AS ns ON ns.oid = proc.pronamespace
    JOIN pg_language AS lang ON lang.oid = proc.prolang
    WHERE ns.nspname IN ('tickets', 'reporting')
"""


def test_a_second_run_changes_nothing(empty_database_url: str) -> None:
    with db.connect(empty_database_url) as connection:
        assert pending(connection).migrations
        assert migrate(connection).migrations
        assert migrate(connection).current
        assert pending(connection).current


@same_major
def test_fresh_install_and_upgrade_give_the_committed_dump(empty_database_url: str, tmp_path: Path) -> None:
    for step in range(1, len(list(MIGRATIONS.glob("*.sql"))) + 1):
        folder = tmp_path / str(step)
        folder.mkdir()
        for path in sorted(MIGRATIONS.glob("*.sql"))[:step]:
            shutil.copy(path, folder)
        with db.connect(empty_database_url) as connection:
            migrate(connection, migrations=folder, objects=tmp_path / "none")
    with db.connect(empty_database_url) as connection:
        migrate(connection)
    assert dump(empty_database_url) == DUMP.read_text(encoding="utf-8"), "run: make schema"


@same_major
def test_the_committed_dump_is_a_fresh_installation(database_url: str) -> None:
    assert dump(database_url) == DUMP.read_text(encoding="utf-8"), "run: make schema"


def test_an_edited_migration_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    folder = _copy_of_migrations(tmp_path)
    with db.connect(empty_database_url) as connection:
        migrate(connection, migrations=folder)
        first = min(folder.glob("*.sql"))
        first.write_text(first.read_text(encoding="utf-8") + "\n-- edited\n", encoding="utf-8")
        with pytest.raises(FleetticketsError, match="edited after it was applied"):
            migrate(connection, migrations=folder)


def test_a_failing_migration_changes_nothing_at_all(empty_database_url: str, tmp_path: Path) -> None:
    folder = _copy_of_migrations(tmp_path)
    (folder / "99_broken.sql").write_text("CREATE TABLE tickets.half (); SELECT 1 / 0;", encoding="utf-8")
    with db.connect(empty_database_url) as connection:
        with pytest.raises(FleetticketsError, match="99_broken"):
            migrate(connection, migrations=folder)
        assert connection.execute("SELECT to_regclass('tickets.inc'), to_regclass('tickets.half')").fetchone() == (
            None,
            None,
        )


def test_two_runs_at_once_are_safe(empty_database_url: str) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with db.connect(empty_database_url) as connection:
                migrate(connection)
        except BaseException as error:  # noqa: BLE001  # handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("column", ["filename", "version", "name"])
def test_a_ledger_with_fewer_columns_is_completed_and_believed(empty_database_url: str, column: str) -> None:
    with db.connect(empty_database_url) as connection:
        for path in sorted(MIGRATIONS.glob("0*.sql")):
            connection.execute(path.read_text(encoding="utf-8"))
        connection.execute(f"CREATE TABLE tickets.schema_migrations ({column} text PRIMARY KEY)")
        for path in sorted(MIGRATIONS.glob("0*.sql")):
            connection.execute("INSERT INTO tickets.schema_migrations VALUES (%s)", [path.name])
        ours = [path.stem for path in sorted(MIGRATIONS.glob("[1-9]*.sql"))]
        assert list(pending(connection).migrations) == ours
        assert list(migrate(connection).migrations) == ours


def test_a_changed_object_replaces_the_whole_set(empty_database_url: str, tmp_path: Path) -> None:
    objects = tmp_path / "sql"
    shutil.copytree(OBJECTS, objects)
    with db.connect(empty_database_url) as connection:
        migrate(connection, objects=objects)
        extra = objects / "reporting" / "fn_extra.sql"
        extra.write_text("CREATE OR REPLACE FUNCTION reporting.fn_extra() RETURNS int LANGUAGE sql RETURN 1;", "utf-8")
        done = migrate(connection, objects=objects)
        assert (done.migrations, done.objects) == ((), True)
        assert connection.execute("SELECT reporting.fn_extra()").fetchone() == (1,)


def test_every_object_file_is_create_or_replace_and_named_after_its_object() -> None:
    for path in OBJECTS.rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("-- "), f"{path.name} does not say in line 1 what it returns"
        assert not re.search(r"(?mi)^DROP ", text), path.name
        if path.parent != OBJECTS:
            match = re.search(r"CREATE OR REPLACE (?:FUNCTION|VIEW) (\w+)\.(\w+)", text)
            assert match is not None, path.name
            assert (match[1], match[2]) == (path.parent.name, path.stem)


def test_functions_under_stored_columns_have_a_return_body(shared_connection: Connection) -> None:
    rows = shared_connection.execute("""
        SELECT DISTINCT proc.proname, proc.prosqlbody IS NOT NULL
        FROM pg_attrdef AS def
        JOIN pg_depend AS dep ON dep.objid = def.oid AND dep.refclassid = 'pg_proc'::regclass
        JOIN pg_proc AS proc ON proc.oid = dep.refobjid
        JOIN pg_namespace AS ns ON ns.oid = proc.pronamespace AND ns.nspname = 'tickets'
    """).fetchall()
    assert {name for name, _ in rows} == {"eat_ts", "to_bool", "mttr_minutes", "ticket_state"}
    assert all(has_body for _, has_body in rows)


def test_ticket_tables_are_ready_to_distribute(shared_connection: Connection) -> None:
    """No foreign key, no trigger, and every unique key holds ticket_id."""
    query = """
        SELECT
            (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(t.oids)),
            (SELECT count(*) FROM pg_trigger WHERE tgrelid = ANY(t.oids)),
            (SELECT count(*) FROM pg_index WHERE indrelid = ANY(t.oids) AND indisunique
                AND pg_get_indexdef(indexrelid) NOT LIKE '%%ticket_id%%')
        FROM (SELECT ARRAY['tickets.inc'::regclass::oid, 'tickets.crq'::regclass::oid] AS oids) AS t
    """
    assert shared_connection.execute(query).fetchone() == (0, 0, 0)


def test_merge_sets_columns_from_excluded_only() -> None:
    text = (Path(__file__).parents[2] / "fleettickets/load/merge.sql").read_text(encoding="utf-8")
    for block in re.findall(r"DO UPDATE SET(.*?)WHERE", text, re.DOTALL):
        for assignment in block.split(","):
            assert re.fullmatch(r"\s*(\w+) = excluded\.\1\s*", assignment), assignment


def test_plpgsql_check_finds_nothing_to_complain(connection: Connection) -> None:
    available = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'plpgsql_check'").fetchone()
    if available is None:
        pytest.skip("plpgsql_check is not installed: apt-get install postgresql-15-plpgsql-check")
    connection.execute("CREATE EXTENSION plpgsql_check SCHEMA public")
    for oid, name, _, _, _, language in connection.execute(OUR_FUNCTIONS).fetchall():
        if language == "plpgsql":
            found = connection.execute(
                "SELECT lineno, message FROM public.plpgsql_check_function_tb(%s::oid::regprocedure)", [oid]
            ).fetchall()
            assert found == [], name


def test_pg_dump_restores_into_an_empty_database(database_url: str, empty_database_url: str) -> None:
    restored = subprocess.run(
        [find_installation().program("psql"), "-v", "ON_ERROR_STOP=1", "-qX", "-f", "-", empty_database_url],
        input=subprocess.run(
            [find_installation().program("pg_dump"), "--no-owner", "--no-privileges", database_url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert restored.returncode == 0, restored.stderr
    assert dump(empty_database_url) == dump(database_url)


def _copy_of_migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    return folder
