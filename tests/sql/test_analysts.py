"""docs/analysts.md does what it says: every statement in it runs as grafana_ro and finds something."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from feed import closed, ticket
from psycopg import sql
from sla_cases import drain, forget_everything

from fleettickets.datasets import EAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack

PAGE = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")
STATEMENTS = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PASSWORD = "only-in-a-test"  # noqa: S105  # a private server on loopback
SPAN = {"$__timeFrom()": "'2026-06-15T00:00:00Z'", "$__timeTo()": "'2026-06-30T00:00:00Z'"}
"""What Grafana writes in the place of its macros."""


@pytest.fixture(scope="module")
def reader(shared_connection: Connection, servers: Stack) -> Iterator[Connection]:
    """grafana_ro in a database with an open and a closed fault, of June 2026 and of now."""
    address = psycopg.conninfo.make_conninfo(servers.database_url or "", dbname=shared_connection.info.dbname)
    known = [ticket("A", latitude="-1.22", longitude="36.89"), closed("B", created_at_service="2026-06-21 08:00:00")]
    drain(address, datetime(2026, 6, 23, 12, tzinfo=EAT), known)
    drain(address, datetime.now(UTC) - timedelta(hours=1), [ticket("C")])
    shared_connection.execute(sql.SQL("ALTER ROLE grafana_ro LOGIN PASSWORD {}").format(PASSWORD))
    with psycopg.connect(address, user="grafana_ro", password=PASSWORD, autocommit=True) as connection:
        yield connection
    shared_connection.execute("ALTER ROLE grafana_ro NOLOGIN PASSWORD NULL")
    forget_everything(shared_connection)


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_a_statement_of_the_page_runs_and_finds_something(reader: Connection, number: int) -> None:
    statement = STATEMENTS[number]
    for macro, written in SPAN.items():
        statement = statement.replace(macro, written)
    rows = reader.execute(statement.encode()).fetchall()
    assert rows
    assert any(value is not None for row in rows for value in row[1:])


def test_every_function_and_view_a_reader_has_is_on_the_page(reader: Connection) -> None:
    functions = reader.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'reporting'::regnamespace "
        "AND proname LIKE 'fn\\_%' AND has_function_privilege(oid, 'EXECUTE')"
    ).fetchall()
    views = reader.execute(
        "SELECT rel.oid::regclass::text FROM pg_class AS rel WHERE rel.relkind = 'v' "
        "AND rel.relnamespace = ANY (ARRAY['tickets', 'reporting', 'dispatch']::regnamespace[]) "
        "AND has_table_privilege(rel.oid, 'SELECT') "
        "AND coalesce(rel.reloptions::text, '') NOT LIKE '%security_invoker%'"
    ).fetchall()
    assert len(functions) > 10
    assert [name for (name,) in [*functions, *views] if f"`{name}`" not in PAGE] == []
