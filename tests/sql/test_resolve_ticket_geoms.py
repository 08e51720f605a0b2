"""A changed place moves exactly the tickets it touches, and as a re-resolution of everything would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from fleettickets.db import Connection

NAMES = ["A_FDT1", "A_FDT2", "B", "Ç 'x'; --"]
CLUSTERS = ["KASARANI", "RUIRU", ""]
FEED = [("", ""), ("-1.25", "36.85"), ("36.85", "-1.25")]
POINTS = [(-1.2, 36.9), (-1.3, 36.8), None]
PLACED = "SELECT ticket_id, geo_source, geo_precision, geo_verified, latitude, longitude, xmin::text FROM {} ORDER BY 1"

tickets = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(CLUSTERS), st.sampled_from(FEED)), min_size=1, max_size=12
)
locations = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(CLUSTERS)),
    st.tuples(st.sampled_from(POINTS), st.booleans()),
    max_size=6,
)
clusters = st.dictionaries(st.sampled_from(CLUSTERS[:2]), st.tuples(st.sampled_from(POINTS), st.booleans()))


def put_location(connection: Connection, key: tuple[str, str], value: tuple[Any, bool]) -> None:
    """One row of the fine gazetteer."""
    point, verified = value
    connection.execute(
        "INSERT INTO tickets.geo_locations (location_name, cluster, geom, precision, verified, verified_by) VALUES "
        "(%s, %s, public.st_setsrid(public.st_makepoint(%s::float8, %s::float8), 4326), 'street', %s, %s) "
        "ON CONFLICT (location_name, cluster) DO UPDATE SET "
        "geom = excluded.geom, verified = excluded.verified, verified_by = excluded.verified_by",
        [*key, point[1] if point else None, point[0] if point else None, verified, "me" if verified else None],
    )


def put_cluster(connection: Connection, cluster: str, value: tuple[Any, bool]) -> None:
    """One row of the coarse gazetteer."""
    point, verified = value
    connection.execute(
        "INSERT INTO tickets.geo_clusters (cluster, geom, verified, verified_by) VALUES "
        "(%s, public.st_setsrid(public.st_makepoint(%s::float8, %s::float8), 4326), %s, %s) "
        "ON CONFLICT (cluster) DO UPDATE SET geom = excluded.geom, verified = excluded.verified, "
        "verified_by = excluded.verified_by",
        [cluster, point[1] if point else None, point[0] if point else None, verified, "me" if verified else None],
    )


def placed(connection: Connection) -> list[list[tuple[Any, ...]]]:
    """Where every ticket lies, without who wrote it."""
    return [[row[:-1] for row in connection.execute(PLACED.format(table))] for table in ("tickets.inc", "tickets.crq")]


@settings(max_examples=60, deadline=None)
@given(tickets=tickets, locations=locations, clusters=clusters, changed=locations, moved=clusters)
def test_what_a_change_touches_moves_as_everything_would(
    shared_connection: Connection, tickets: Any, locations: Any, clusters: Any, changed: Any, moved: Any
) -> None:
    """Named names and clusters give the same points as no names at all, and a second time nothing moves."""
    connection = shared_connection
    with connection.transaction(force_rollback=True):
        for number, (name, cluster, (lat, lon)) in enumerate(tickets):
            table = "tickets.inc" if number % 2 else "tickets.crq"
            connection.execute(
                f"INSERT INTO {table} (ticket_id, raw) VALUES (%s, jsonb_build_object('location_name', %s::text, "  # noqa: S608  # two constants
                "'cluster', %s::text, 'latitude', %s::text, 'longitude', %s::text, 'is_actionable', 'true'))",
                [f"T{number}", name, cluster, lat, lon],
            )
        for put, rows in ((put_location, locations), (put_cluster, clusters)):
            for key, value in rows.items():
                put(connection, key, value)
        connection.execute("SELECT tickets.resolve_ticket_geoms()")
        for put, rows in ((put_location, changed), (put_cluster, moved)):
            for key, value in rows.items():
                put(connection, key, value)
        names = sorted({name for name, _ in changed})
        connection.execute("SELECT tickets.resolve_ticket_geoms(%s, %s)", [names, sorted(moved)])
        touched = placed(connection)
        again = connection.execute("SELECT sum(moved) FROM tickets.resolve_ticket_geoms()").fetchone()
        assert placed(connection) == touched
        assert again == (0,)


def test_only_touched_tickets_are_written(connection: Connection) -> None:
    """Tickets of other names and clusters keep their row as it is; readers hear of the moved ones."""
    for number, name in enumerate(["A_FDT1", "A_FDT1", "B"]):
        connection.execute(
            "INSERT INTO tickets.inc (ticket_id, raw) VALUES (%s, "
            "jsonb_build_object('location_name', %s::text, 'cluster', 'RUIRU', 'is_actionable', 'true'))",
            [f"T{number}", name],
        )
    query = "SELECT ticket_id, xmin::text FROM tickets.inc ORDER BY 1"
    before: dict[str, str] = dict(connection.execute(query).fetchall())
    put_location(connection, ("A_FDT1", "RUIRU"), ((-1.2, 36.9), False))
    found = connection.execute("SELECT * FROM tickets.resolve_ticket_geoms(ARRAY['A_FDT1'])").fetchall()
    after: dict[str, str] = dict(connection.execute(query).fetchall())
    assert found == [("inc", 2), ("crq", 0)]
    assert {key for key in after if after[key] != before[key]} == {"T0", "T1"}
    assert connection.execute("SELECT dataset, revision FROM tickets.revisions ORDER BY 1").fetchall() == [
        ("crq", 0),
        ("inc", 1),
    ]


def test_the_touched_tickets_are_found_by_an_index(connection: Connection) -> None:
    """The cost follows the change: no scan of the tickets for a name."""
    connection.execute("SET enable_seqscan = off")
    plan = connection.execute(
        "EXPLAIN SELECT ticket_id FROM tickets.inc WHERE hashtextextended(location_name, 0) = hashtextextended('A', 0) "
        "AND location_name = 'A'"
    ).fetchall()
    assert "inc_location_idx" in str(plan)
