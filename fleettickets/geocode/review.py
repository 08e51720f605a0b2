"""The reviewer's decisions: accept, reject, move, keep the cluster's point, undo; who and when is kept of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from fleettickets.db import statement
from fleettickets.errors import UsageError
from fleettickets.geocode import names, rules, run
from fleettickets.geocode.clusters import requeue
from fleettickets.geocode.deciding import decision_key
from fleettickets.geocode.places import Point

if TYPE_CHECKING:
    from datetime import datetime

    from fleettickets.db import Connection

_HERE_M: Final = 1.0
_KENYA: Final = (-4.9, 5.1, 33.8, 42.0)


@dataclass(frozen=True, slots=True)
class Target:
    """What is decided: one place with all its spellings, or, without a key, the cluster's own point."""

    cluster: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision did."""

    decision_id: int
    action: str
    target: Target
    moved: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """As one JSON-ready document."""
        return {
            "decision_id": self.decision_id,
            "action": self.action,
            "cluster": self.target.cluster,
            "decision_key": self.target.key,
            "tickets_moved": self.moved,
        }


def queue(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """What waits for a person, by the tickets it touches."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "SELECT * FROM tickets.geo_review ORDER BY open DESC, tickets DESC, cluster, decision_key LIMIT %s", [limit]
        )
        return cursor.fetchall()


def target(connection: Connection, name: str | None, cluster: str) -> Target:
    """What a person means by a location name (or a key of the queue) and a cluster, or by a cluster alone."""
    if name is None:
        return Target(cluster, None)
    row = connection.execute(
        "SELECT decision_key FROM tickets.geo_locations WHERE cluster = %(cluster)s "
        "AND (location_name = %(name)s OR decision_key = %(name)s) ORDER BY location_name = %(name)s DESC LIMIT 1",
        {"cluster": cluster, "name": name},
    ).fetchone()
    if row and row[0]:
        return Target(cluster, row[0])
    raise UsageError(
        f"{name!r} of cluster {cluster!r} is not known: 'fleettickets geocode review list' shows what waits"
    )


def decide(
    connection: Connection, what: Target, action: str, *, who: str, now: datetime, point: Point | None = None
) -> Decided:
    """Write one decision and move the tickets it touches, in the caller's transaction."""
    who = _named(who)
    before = _state(connection, what)
    if not before:
        raise UsageError(f"there is no row for {what.key or what.cluster!r}: run fleettickets geocode first")
    if action == "move" and (point is None or not _is_in_kenya(point)):
        raise UsageError("give the latitude and longitude of a point in Kenya, latitude first")
    offer = _offered(connection, what, point) if action == "accept" and point else None
    if action == "accept" and point and offer is None:
        raise UsageError("that point is none of the candidates: use 'move' with it")
    if action == "accept" and not offer and before[0]["proposed_lat"] is None and before[0]["lat"] is None:
        raise UsageError("there is no point to accept: use 'move' with the right one")
    name = "review_location" if what.key is not None else "review_cluster"
    connection.execute(
        statement(run.FOLDER, name),
        {
            "key": what.key,
            "cluster": what.cluster,
            "action": action,
            "who": who,
            "now": now,
            "lat": point.lat if point else None,
            "lon": point.lon if point else None,
            "precision": offer and offer["precision"],
            "provider": offer and offer["provider"],
            "ref": offer and offer["ref"],
        },
    )
    moved = _move(connection, what, before)
    return Decided(_note(connection, what, action, who, now, before, moved), action, what, moved)


def undo(connection: Connection, what: Target, *, who: str, now: datetime) -> Decided:
    """Take the last decision on this place or cluster back: the rows are again as they were before it."""
    row = connection.execute(
        "UPDATE tickets.geo_decisions SET undone_at = %s, undone_by = %s WHERE decision_id = ("
        "SELECT decision_id FROM tickets.geo_decisions WHERE cluster = %s AND decision_key IS NOT DISTINCT FROM %s "
        "AND undone_at IS NULL ORDER BY decision_id DESC LIMIT 1) RETURNING decision_id, action, before",
        [now, _named(who), what.cluster, what.key],
    ).fetchone()
    if row is None:
        raise UsageError("there is no decision to undo")
    decision_id, action, before = row
    name = "restore_locations" if what.key is not None else "restore_cluster"
    connection.execute(statement(run.FOLDER, name), {"rows": Jsonb(before), "now": now})
    return Decided(decision_id, f"undo {action}", what, _move(connection, what, before))


def enter(connection: Connection, location_name: str, cluster: str, now: datetime) -> Target:
    """A row for a name no run has seen yet, so that a person can give it a point."""
    name = names.clean(location_name, cluster, rules.read(connection))
    key = decision_key(name)
    connection.execute(
        "INSERT INTO tickets.geo_locations (location_name, cluster, decision_key, clean_kind, place, unit, status, "
        "updated_at) VALUES (%s, %s, %s, %s, %s, %s, 'no_match', %s) ON CONFLICT (location_name, cluster) DO NOTHING",
        [location_name, cluster, key, str(name.kind), name.place, name.unit, now],
    )
    return target(connection, location_name, cluster)


def _state(connection: Connection, what: Target) -> list[dict[str, Any]]:
    """The rows a decision is about, as they are: what undo restores."""
    query = "cluster_state" if what.key is None else "location_state"
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement(run.FOLDER, query), {"cluster": what.cluster, "key": what.key})
        return [dict(row["state"]) for row in cursor.fetchall()]


def _offered(connection: Connection, what: Target, point: Point) -> dict[str, Any] | None:
    """The candidate at this point, if the place or the cluster has it."""
    rows = connection.execute(
        "SELECT candidates FROM tickets.geo_locations WHERE cluster = %(cluster)s AND decision_key = %(key)s "
        "UNION ALL SELECT candidates FROM tickets.geo_clusters WHERE cluster = %(cluster)s AND %(key)s::text IS NULL",
        {"cluster": what.cluster, "key": what.key},
    ).fetchall()
    offers = [offer for (offers,) in rows for offer in offers or ()]
    return next((one for one in offers if Point(one["lat"], one["lon"]).distance_m(point) < _HERE_M), None)


def _move(connection: Connection, what: Target, before: list[dict[str, Any]]) -> dict[str, int]:
    moved: Counter[str] = Counter()
    if what.key is None:
        requeue(connection, what.cluster)
        run.moved(connection, moved, [], [what.cluster])
    else:
        run.moved(connection, moved, [str(row["location_name"]) for row in before], [])
    return dict(moved)


def _note(
    connection: Connection,
    what: Target,
    action: str,
    who: str,
    now: datetime,
    before: list[dict[str, Any]],
    moved: dict[str, int],
) -> int:
    row = connection.execute(
        "INSERT INTO tickets.geo_decisions (at, who, action, cluster, decision_key, before, after, tickets) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING decision_id",
        [
            now,
            who,
            action,
            what.cluster,
            what.key,
            Jsonb(before),
            Jsonb(_state(connection, what)),
            sum(moved.values()),
        ],
    ).fetchone()
    return int(row[0]) if row else 0


def _named(who: str) -> str:
    who = " ".join(who.split())
    if not who:
        raise UsageError("say who decides: --by NAME")
    return who


def _is_in_kenya(point: Point) -> bool:
    south, north, west, east = _KENYA
    return south <= point.lat <= north and west <= point.lon <= east
