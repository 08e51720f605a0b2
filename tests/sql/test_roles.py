"""Each role connects as itself and may do its work and nothing else; the rules hold for objects added later too."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from feed import Shelf, closed, sheet, ticket
from psycopg import conninfo, sql

from fleettickets import db
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.migrate import OBJECTS, migrate
from fleettickets.pipeline import Order, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack

    Login = Callable[[str], Connection]
    NewDatabase = Callable[[], contextlib.AbstractContextManager[str]]

NOW = datetime(2026, 6, 25, 9, tzinfo=UTC)
READERS = ["dashboard_ro", "grafana_ro"]
ROLES = [*READERS, "fleettickets_ingest", "fleettickets_reader"]
SCHEMAS = ["tickets", "reporting", "dispatch"]
PASSWORD = "only-in-a-test"  # noqa: S105  # a private server on loopback
FUNCTIONS = """
    SELECT proc.oid::regprocedure::text, ns.nspname, proc.provolatile::text, proc.prosecdef, proc.proconfig,
        pg_get_userbyid(proc.proowner)
    FROM pg_proc AS proc
    JOIN pg_namespace AS ns ON ns.oid = proc.pronamespace
    WHERE ns.nspname = ANY(%s)
"""
RELATIONS = """
    SELECT rel.oid::regclass::text, ns.nspname, rel.relkind::text
    FROM pg_class AS rel
    JOIN pg_namespace AS ns ON ns.oid = rel.relnamespace
    WHERE ns.nspname = ANY(%s) AND rel.relkind IN ('r', 'p', 'v', 'm')
"""
WRITES = ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
UPSERTED = {"SELECT", "INSERT", "UPDATE"}
INGEST = {
    "tickets.inc": UPSERTED,
    "tickets.crq": UPSERTED,
    "tickets.alarm_rows": UPSERTED,
    "tickets.import_files": UPSERTED,
    "tickets.import_meta": UPSERTED,
    "tickets.rejected_rows": {*UPSERTED, "DELETE"},
    "tickets.quarantine_decisions": {"SELECT", "INSERT"},
    "tickets.runs": UPSERTED,
    "tickets.row_versions": UPSERTED,
    "tickets.closure_events": {*UPSERTED, "DELETE"},
    "tickets.reopen_events": {*UPSERTED, "DELETE"},
    "tickets.exit_events": {*UPSERTED, "DELETE"},
    "tickets.open_spells": {*UPSERTED, "DELETE"},
    "tickets.inc_daily_snapshot": UPSERTED,
    "tickets.crq_daily_snapshot": UPSERTED,
    "tickets.sla_policies": {"SELECT"},
    "tickets.sla_calendars": {"SELECT"},
    "tickets.sla_calendar_spans": {"SELECT"},
    "tickets.sla_holidays": {"SELECT"},
    "tickets.thresholds": {"SELECT"},
    "tickets.survival": {*UPSERTED, "DELETE"},
    "tickets.forecast_runs": UPSERTED,
    "tickets.breach_forecasts": UPSERTED,
    "tickets.alarms": UPSERTED,
    "tickets.revisions": {"SELECT", "UPDATE"},
    "tickets.revision_log": {"SELECT", "INSERT", "DELETE"},
    "tickets.map_features": {*UPSERTED, "DELETE"},
    "tickets.geo_clusters": UPSERTED,
    "tickets.geo_locations": UPSERTED,
    "tickets.geo_areas": {"SELECT"},
    "tickets.geo_answers": UPSERTED,
    "tickets.geo_requests": UPSERTED,
    "tickets.geo_decisions": UPSERTED,
    "tickets.geo_name_rules": {"SELECT"},
    "tickets.schema_migrations": {"SELECT"},
}
"""What the ingest may do with each table; a new table gets a line here and one in sql/grants.sql, or stays closed."""


@pytest.fixture(scope="module")
def migrated_url(new_database: NewDatabase) -> Iterator[str]:
    """A database of its own: what a role may do with the database itself is not copied from a template."""
    with new_database() as url:
        with db.connect(url) as admin:
            migrate(admin)
        yield url


@pytest.fixture(scope="module")
def admin(migrated_url: str) -> Iterator[Connection]:
    with db.connect(migrated_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def login(migrated_url: str, admin: Connection) -> Iterator[Login]:
    """Connects as a role; every role may log in for the time of these tests."""
    for role in ROLES:
        admin.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    try:
        yield lambda role: db.connect(conninfo.make_conninfo(migrated_url, user=role, password=PASSWORD))
    finally:
        for role in ROLES:
            admin.execute(f"ALTER ROLE {role} NOLOGIN PASSWORD NULL")


@pytest.mark.parametrize("role", [*ROLES, "public"])
def test_a_role_may_execute_the_functions_of_its_rule_and_no_other(admin: Connection, role: str) -> None:
    """Readers run what cannot write; only the ingest runs what can, in tickets; everybody else runs nothing."""
    functions = admin.execute(FUNCTIONS, [SCHEMAS]).fetchall()
    assert functions
    for name, schema, volatility, *_ in functions:
        pure, reads = volatility == "i", volatility != "v"
        expected = {
            "public": False,
            "fleettickets_reader": reads,
            "fleettickets_ingest": reads or schema == "tickets",
        }.get(role, pure or (reads and schema != "tickets"))
        found = admin.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", [role, name]).fetchone()
        assert found == (expected,), f"{role} and {name}"


@pytest.mark.parametrize("role", [*ROLES, "public"])
def test_a_role_has_the_rights_of_its_rule_on_each_table_and_no_other(admin: Connection, role: str) -> None:
    """Readers see views and reporting; the ingest has its list; nobody but the owner may do the rest."""
    relations = admin.execute(RELATIONS, [SCHEMAS]).fetchall()
    for (name, schema, kind), privilege in itertools.product(relations, ["SELECT", *WRITES]):
        view = kind == "v"
        expected = {
            "public": False,
            "fleettickets_reader": privilege == "SELECT",
            "fleettickets_ingest": privilege == "SELECT" if view else privilege in INGEST.get(name, ()),
        }.get(role, privilege == "SELECT" and (view or schema == "reporting"))
        found = admin.execute("SELECT has_table_privilege(%s, %s, %s)", [role, name, privilege]).fetchone()
        assert found == (expected,), f"{role}, {privilege} and {name}"


def test_every_table_of_the_write_path_has_been_decided_for_the_ingest(admin: Connection) -> None:
    """A new table in tickets is named in sql/grants.sql, or below as one the ingest has no business with."""
    none_of_its_business = {"tickets.api_tokens"}
    tables = {name for name, schema, kind in admin.execute(RELATIONS, [["tickets"]]).fetchall() if kind in "rp"}
    assert tables == {*INGEST, *none_of_its_business}


def test_security_definer_functions_belong_to_a_role_that_can_only_read(admin: Connection) -> None:
    """Even a hijacked one could write nothing: its owner is no superuser, cannot log in and owns nothing else."""
    definers = [row for row in admin.execute(FUNCTIONS, [SCHEMAS]).fetchall() if row[3]]
    assert definers
    for name, _, volatility, _, config, owner in definers:
        assert owner == "fleettickets_reader", name
        assert volatility != "v", f"{name} writes with somebody else's rights"
        pinned = [setting for setting in config or () if setting.startswith("search_path=")]
        assert pinned == ["search_path=pg_catalog, pg_temp"], name
    rights = (
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = %s"
    )
    assert admin.execute(rights, ["fleettickets_reader"]).fetchone() == (False,) * 5
    owned = "SELECT count(*) FROM pg_class WHERE relowner = 'fleettickets_reader'::regrole"
    assert admin.execute(owned).fetchone() == (0,)


def test_no_view_shows_raw_rows_or_rejected_records(admin: Connection) -> None:
    """Readers see every view: one that shows raw asks for the reader's own rights, which are none."""
    query = """
        SELECT rel.oid::regclass::text, att.attname
        FROM pg_class AS rel
        JOIN pg_namespace AS ns ON ns.oid = rel.relnamespace
        JOIN pg_attribute AS att ON att.attrelid = rel.oid AND att.attnum > 0
        WHERE ns.nspname = ANY(%s) AND rel.relkind IN ('v', 'm') AND att.attname IN ('raw', 'record')
            AND NOT coalesce('security_invoker=true' = ANY(rel.reloptions), false)
    """
    assert admin.execute(query, [SCHEMAS]).fetchall() == []


@pytest.mark.parametrize("role", READERS)
def test_a_reader_reads_reporting_and_is_refused_everything_else(login: Login, role: str) -> None:
    with login(role) as reader:
        found = reader.execute(
            "SELECT reporting.fn_tickets_for_map() ->> 'type', reporting.fn_status() ->> 'now' IS NOT NULL"
        )
        assert found.fetchone() == ("FeatureCollection", True)
        reader.execute("SET default_transaction_read_only = off")
        for attempt in (
            "SELECT * FROM tickets.inc",
            "SELECT raw ->> 'owner' FROM tickets.inc",
            "SELECT raw FROM tickets.all_tickets",
            "SELECT * FROM tickets.rejected_rows",
            "DELETE FROM tickets.inc",
            "UPDATE tickets.import_meta SET metadata = '{}'",
            "CREATE TABLE reporting.mine ()",
            "CREATE TABLE public.mine ()",
            "CREATE SCHEMA mine",
            "CREATE TEMPORARY TABLE mine ()",
            "ALTER FUNCTION reporting.fn_status(timestamptz) RESET ALL",
            "SET ROLE fleettickets_reader",
            "SELECT pg_read_file('/etc/hostname')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(attempt)


@pytest.mark.parametrize("role", READERS)
def test_a_reader_has_limits(login: Login, admin: Connection, role: str) -> None:
    with login(role) as reader:
        names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "work_mem"]
        shown = [reader.execute(f"SHOW {name}").fetchone() for name in names]
        assert shown == [("5s",), ("2s",), ("15s",), ("16MB",)]
        assert reader.execute("SHOW transaction_read_only").fetchone() == ("on",)
    assert admin.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", [role]).fetchone() == (20,)


def test_a_sleeping_query_of_a_reader_dies(login: Login) -> None:
    with login("grafana_ro") as reader, pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        reader.execute("SELECT pg_sleep(60)")


def test_the_ingest_role_drains_a_stream_and_may_do_nothing_else(login: Login, admin: Connection) -> None:
    """Good, changed, rejected, alarm and unusable files, a reseed and the status; but no DDL, and no ticket deleted."""
    shelf = Shelf()
    shelf.put(INC, "2026-06-22 10:00:00", sheet([ticket("A1"), ticket("A2", is_alarm="true")]) + b"A3,cut\n")
    shelf.put(INC, "2026-06-22 11:00:00", sheet([closed("A1"), ticket("A2")]))
    shelf.put(INC, "2026-06-22 12:00:00", b"<html>")
    for reseed in (False, True):
        order = Order(INC, "test", apply=True, reseed=reseed)
        report = ingest(order, shelf, lambda: login("fleettickets_ingest"), NOW, NOBODY)
        assert (report.exit_code, report.error, dict(report.files)) == (3, None, {"applied": 2, "quarantined": 1})
    with login("fleettickets_ingest") as worker:
        assert worker.execute("SELECT reporting.fn_status() ->> 'now' IS NOT NULL").fetchone() == (True,)
        for attempt in (
            "DELETE FROM tickets.inc",
            "TRUNCATE tickets.inc",
            "DELETE FROM tickets.import_files",
            "UPDATE tickets.schema_migrations SET checksum = ''",
            "DELETE FROM tickets.geo_clusters",
            "CREATE TABLE tickets.mine ()",
            "CREATE FUNCTION reporting.mine() RETURNS integer LANGUAGE sql RETURN 1",
            "ALTER TABLE tickets.inc ADD COLUMN mine text",
            "DROP TABLE tickets.runs",
            "CREATE INDEX ON tickets.inc (cluster)",
            "CREATE ROLE mine",
            "SET ROLE fleettickets_reader",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(attempt)
    admin.execute("TRUNCATE tickets.inc, tickets.alarm_rows, tickets.import_files, tickets.rejected_rows")


def test_what_an_administrator_has_set_stays(admin: Connection) -> None:
    """The limits are a beginning; a migration does not take a wider one back."""
    text = next((OBJECTS.parent / "migrations").glob("17_*.sql")).read_text(encoding="utf-8")
    limits = text.partition("ALTER TABLE")[0]
    admin.execute("ALTER ROLE grafana_ro SET statement_timeout = '30s'")
    try:
        admin.execute(limits)
        found = admin.execute("SELECT rolconfig FROM pg_roles WHERE rolname = 'grafana_ro'").fetchone()
        assert found is not None
        assert "statement_timeout=30s" in found[0]
    finally:
        admin.execute("ALTER ROLE grafana_ro SET statement_timeout = '5s'")


TRAP = """
    SET default_transaction_read_only = off;
    CREATE FUNCTION trap.spring() RETURNS void LANGUAGE sql AS
        $$ UPDATE tickets.inc SET raw = '{"raw_status": "HACKED"}' $$;
    CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); RETURN $1; END $$;
    CREATE FUNCTION trap.btrim(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); RETURN $1; END $$;
    CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS
        $$ BEGIN PERFORM trap.spring(); RETURN pg_catalog.now(); END $$;
    CREATE FUNCTION trap.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN PERFORM trap.spring(); RETURN true; END $$;
    CREATE OPERATOR trap.= (FUNCTION = trap.same, LEFTARG = text, RIGHTARG = text);
    SET search_path = trap, pg_catalog, public
"""
UNPINNED = """
    CREATE FUNCTION reporting.unpinned(p_text text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    AS $$ BEGIN RETURN lower(p_text); END $$
"""


@pytest.mark.parametrize("role", READERS)
def test_a_schema_of_ones_own_hijacks_no_security_definer_function(login: Login, admin: Connection, role: str) -> None:
    """The exploit that once rewrote tickets as the owner: own functions and operators first in the search_path."""
    admin.execute("INSERT INTO tickets.inc (ticket_id, raw) VALUES ('H1', '{\"raw_status\": \"OPEN\"}')")
    admin.execute(f"CREATE SCHEMA trap AUTHORIZATION {role}")
    admin.execute(UNPINNED)
    admin.execute(f"GRANT EXECUTE ON FUNCTION reporting.unpinned(text) TO {role}")
    status = "SELECT raw ->> 'raw_status' FROM tickets.inc"
    callable_without_arguments = FUNCTIONS + " AND proc.prosecdef AND proc.pronargs = proc.pronargdefaults"
    try:
        with login(role) as reader:
            for command in TRAP.split(";\n"):
                reader.execute(command)
            for name, *_ in admin.execute(callable_without_arguments, [SCHEMAS]).fetchall():
                with contextlib.suppress(psycopg.errors.InvalidParameterValue):  # it wants to know more
                    reader.execute(f"SELECT {name.partition('(')[0]}()")
            reader.execute("SELECT reporting.fn_tickets_for_map(p_dataset => 'INC', p_status => 'x', p_cluster => 'y')")
            reader.execute("SELECT reporting.fn_freshness('inc')")
            assert admin.execute(status).fetchall() == [("OPEN",)]
            reader.execute("SELECT reporting.unpinned('X')")  # the trap is a real one
            assert admin.execute(status).fetchall() == [("HACKED",)]
    finally:
        admin.execute("DROP SCHEMA trap CASCADE")
        admin.execute("DROP FUNCTION reporting.unpinned(text)")
        admin.execute("DELETE FROM tickets.inc")


@pytest.mark.parametrize("role", [*READERS, "fleettickets_ingest"])
def test_a_function_added_later_falls_under_the_rules_by_itself(migrated_url: str, role: str) -> None:
    """Before grants.sql runs nobody may call it; after it, its volatility and schema decide, and its owner is right."""
    with db.connect(migrated_url) as owner, owner.transaction(force_rollback=True):
        for schema, volatility in itertools.product(["tickets", "reporting"], ["VOLATILE", "STABLE", "IMMUTABLE"]):
            owner.execute(
                f"CREATE FUNCTION {schema}.later_{volatility}() RETURNS integer LANGUAGE sql {volatility} "
                "SECURITY DEFINER SET search_path = pg_catalog, pg_temp RETURN 1"
            )
            name = f"{schema}.later_{volatility}()"
            held = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
            assert owner.execute(held, [role, name]).fetchone() == (False,)
        owner.execute((OBJECTS / "grants.sql").read_text(encoding="utf-8"))
        for schema, volatility in itertools.product(["tickets", "reporting"], ["VOLATILE", "STABLE", "IMMUTABLE"]):
            name = f"{schema}.later_{volatility}()"
            expected = (
                volatility != "VOLATILE" or schema == "tickets"
                if role == "fleettickets_ingest"
                else volatility == "IMMUTABLE" or (volatility == "STABLE" and schema == "reporting")
            )
            assert owner.execute(held, [role, name]).fetchone() == (expected,), name
            (found,) = owner.execute(
                "SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE oid = %s::regprocedure", [name]
            )
            assert found == ("fleettickets_reader",)


@pytest.mark.parametrize("role", READERS)
def test_a_view_added_later_can_be_read_and_its_tables_cannot(login: Login, admin: Connection, role: str) -> None:
    admin.execute("CREATE VIEW tickets.later AS SELECT ticket_id, tickets.is_filled(cluster) AS known FROM tickets.inc")
    try:
        admin.execute((OBJECTS / "grants.sql").read_text(encoding="utf-8"))
        with login(role) as reader:
            assert reader.execute("SELECT * FROM tickets.later").fetchall() == []
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("SELECT ticket_id FROM tickets.inc")
    finally:
        admin.execute("DROP VIEW tickets.later")


def test_applying_the_objects_again_keeps_owner_and_rights(admin: Connection) -> None:
    """CREATE OR REPLACE and the grants may run as often as sql/ changes."""
    rights = """
        SELECT proc.oid::regprocedure::text, proc.proowner, array(SELECT unnest(proc.proacl)::text ORDER BY 1)
        FROM pg_proc AS proc
        JOIN pg_namespace AS ns ON ns.oid = proc.pronamespace
        WHERE ns.nspname = ANY(%s)
        ORDER BY 1
    """
    before = admin.execute(rights, [SCHEMAS]).fetchall()
    admin.execute("UPDATE tickets.schema_migrations SET checksum = 'old' WHERE filename = 'sql/'")
    assert migrate(admin).objects
    assert admin.execute(rights, [SCHEMAS]).fetchall() == before


MANAGED = {
    "may create roles": ("CREATEROLE", False, "fleettickets_reader"),
    "was made a member by the administrator": ("NOCREATEROLE", True, "fleettickets_reader"),
    "may do nothing beyond its database": ("NOCREATEROLE", False, "managed_owner"),
}
"""How the owner of a database without superuser came to be: its right, its membership, who owns the functions then."""


@pytest.mark.parametrize("how", MANAGED)
def test_managed_postgresql_without_superuser_migrates_twice(
    servers: Stack, new_database: NewDatabase, how: str
) -> None:
    """What it may not do it says, and goes on; what it may it does, also when sql/ is applied again."""
    right, member, function_owner = MANAGED[how]
    assert servers.database_url
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(db.connect(servers.database_url))
        server.execute(f"CREATE ROLE managed_owner LOGIN {right} PASSWORD '{PASSWORD}'")
        stack.callback(server.execute, "DROP ROLE managed_owner")
        if member:
            server.execute("GRANT fleettickets_reader TO managed_owner")
        url = stack.enter_context(new_database())
        name = sql.Identifier(str(conninfo.conninfo_to_dict(url)["dbname"]))
        server.execute(sql.SQL("ALTER DATABASE {} OWNER TO managed_owner").format(name))
        with db.connect(url) as superuser:
            superuser.execute("CREATE EXTENSION postgis")
        owner = stack.enter_context(db.connect(conninfo.make_conninfo(url, user="managed_owner", password=PASSWORD)))
        first = migrate(owner)
        owner.execute("UPDATE tickets.schema_migrations SET checksum = 'old' WHERE filename = 'sql/'")
        assert migrate(owner).objects
        owners = {row[5] for row in owner.execute(FUNCTIONS, [SCHEMAS]).fetchall() if row[3]}
        assert owners == {function_owner}
        assert bool(first.warnings) == (function_owner == "managed_owner")
        assert owner.execute("SELECT reporting.fn_status() ->> 'now' IS NOT NULL").fetchone() == (True,)
        assert owner.execute(
            "SELECT has_function_privilege('grafana_ro', 'reporting.fn_status(timestamptz)', 'EXECUTE'), "
            "has_function_privilege('public', 'reporting.fn_status(timestamptz)', 'EXECUTE'), "
            "has_schema_privilege('fleettickets_reader', 'reporting', 'CREATE')"
        ).fetchone() == (True, False, False)
        owner.close()
