"""Whatever zone, locale or encoding the machine or the database has: the same files give the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from faults.conftest import world_of
from faults.world import World, assert_undisturbed
from feed import closed, sheet, ticket

from fleettickets import db
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fleettickets.demo.stack import Stack
    from fleettickets.source.bucket import Bucket

HOSTS: dict[str, dict[str, Any]] = {
    "New York": {"TZ": "America/New_York"},
    "a day ahead": {"TZ": "Pacific/Kiritimati"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "LANG": "POSIX", "PYTHONIOENCODING": "ascii"},
    "Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "LC_CTYPE": "tr_TR.UTF-8"},
}
BEFORE_MIDNIGHT_IN_UTC = "2026-06-22T22:30:00+00:00"
HARD = [
    ticket("ISTANBUL", owner="Zoë İIıi 🎫", region="KİSUMU ISLAND", raw_status="in-transit", is_actionable="TRUE"),
    closed("MIDNIGHT", closed_at="2026-06-23 00:15:00", is_auto_closed="YES"),
    ticket("ALARM", is_alarm="TRUE"),
    ticket("NOTHING", scheduled_at="NIL", mttr="N/A", cluster="null", latitude="-1.29", longitude="36.82"),
    ticket("SPRING", created_at_service="2026-03-08 02:30:00", scheduled_at="2026-11-01 01:30:00"),
]
TYPED = (
    "SELECT ticket_id, raw, normalized_status, raw_status, is_actionable, region, mttr, created_at_service, "
    'scheduled_at, closed_at, first_seen_at, geo_source, geom FROM tickets.inc ORDER BY ticket_id COLLATE "C"'
)


@pytest.mark.parametrize("host", HOSTS)
def test_the_hosts_zone_and_locale_change_nothing(world: World, twin: db.Connection, host: str) -> None:
    """At 22:30 UTC, when East Africa has the next day and America not even the evening."""
    world.put("2026-06-23 01:00:00", body=sheet(HARD))
    name = str(psycopg.conninfo.conninfo_to_dict(world.database_url)["dbname"])
    world.execute(f"ALTER DATABASE {name} SET timezone = 'America/New_York'")
    command = ("fleettickets", "--now", BEFORE_MIDNIGHT_IN_UTC)
    done = world.run(*command, "ingest", "inc", "--apply", **HOSTS[host])
    assert (done.exit_code, "Traceback" in done.err) == (0, False), done
    status = world.run(*command, "status", **HOSTS[host])
    assert (status.exit_code, status.out) == (0, world.run(*command, "status").out)
    assert "Tue 23 Jun 2026 01:00" in status.out
    assert_undisturbed(world, twin, days=False)
    with db.connect(world.database_url) as connection:
        assert connection.execute(TYPED).fetchall() == twin.execute(TYPED).fetchall()


@pytest.fixture
def turkish_url(servers: Stack) -> Iterator[str]:
    """A migrated database in whose locale lower('I') is no i."""
    assert servers.database_url
    with db.connect(servers.database_url) as admin:
        admin.execute(
            "CREATE DATABASE faults_turkish TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'"
        )
    url = psycopg.conninfo.make_conninfo(servers.database_url, dbname="faults_turkish")
    with db.connect(url) as connection:
        migrate(connection)
    yield url
    with db.connect(servers.database_url) as admin:
        admin.execute("DROP DATABASE faults_turkish WITH (FORCE)")


def test_the_databases_locale_changes_nothing(
    tmp_path: Path, servers: Stack, bucket: Bucket, turkish_url: str, twin: db.Connection
) -> None:
    """Typed columns are a function of the text alone."""
    world = world_of(tmp_path, servers, bucket, turkish_url)
    assert world.query("SELECT lower('I')") == [("ı",)]
    world.put("2026-06-23 01:00:00", body=sheet(HARD))
    assert world.run().exit_code == 0
    assert_undisturbed(world, twin)
    with db.connect(turkish_url) as connection:
        assert connection.execute(TYPED).fetchall() == twin.execute(TYPED).fetchall()
