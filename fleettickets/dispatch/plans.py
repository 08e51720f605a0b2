"""Plans that are kept: drafts, locks, urgent insertions, and the one that is committed.

The caller owns the transaction. A plan's `revision` moves with each change; who changes an older one gets a
ConflictError, and so does who commits a draft while another one was committed since it was made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.types.json import Jsonb

from fleettickets.dispatch import audit, day
from fleettickets.dispatch.changes import Difference, difference, insert_urgent, keep_up, reoptimise
from fleettickets.dispatch.day import Locks, Settings
from fleettickets.dispatch.document import document_of, instance_of, plan_of, worth_of
from fleettickets.dispatch.model import Plan, Unassigned
from fleettickets.dispatch.planner import plan
from fleettickets.dispatch.roads import remembered
from fleettickets.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from fleettickets.db import Connection
    from fleettickets.dispatch.model import Instance
    from fleettickets.dispatch.planner import Improve
    from fleettickets.dispatch.roads import Roads
    from fleettickets.dispatch.travel import Travel


@dataclass(frozen=True, slots=True)
class Stored:
    """A plan with its place in the books."""

    plan_id: int
    revision: int
    state: str
    planned_for: datetime
    created_by: str
    based_on: int | None
    committed_at: datetime | None
    committed_by: str | None
    settings: Settings
    locks: Locks
    document: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """What people and programs are shown: all but what only the planner needs."""
        shown = {name: value for name, value in self.document.items() if name not in {"instance", "plan"}}
        return {
            "plan_id": self.plan_id,
            "revision": self.revision,
            "state": self.state,
            "created_by": self.created_by,
            "based_on": self.based_on,
            "committed_at": self.committed_at.isoformat() if self.committed_at else None,
            "committed_by": self.committed_by,
            "settings": asdict(self.settings),
            "locks": self.locks.as_dict(),
            **shown,
        }


class Relocked(NamedTuple):
    """A draft after its locks changed, and what a fresh plan would do beyond that; None where none was made."""

    stored: Stored
    would_move: int | None
    fresh: dict[str, Any] | None


def draft(
    connection: Connection, settings: Settings, locks: Locks, now: datetime, by: str, roads: Roads | None = None
) -> Stored:
    """Plan the day as it is and keep the plan as a draft."""
    instance = day.read(connection, settings, locks, now)
    travel = roads.travel(connection, instance) if roads else None
    made = plan(instance, travel, search_of(settings))
    return _keep(connection, settings, locks, document_of(instance, made, now, travel), now, by)


def go_on(connection: Connection, stored: Stored, now: datetime, by: str, roads: Roads | None = None) -> Stored:
    """A draft that goes on from a plan as the day is now: what closed leaves it, no ticket goes to another crew."""
    locks = _still_possible(connection, stored.settings, stored.locks, now)
    instance = day.read(connection, stored.settings, locks, now)
    travel = roads.travel(connection, instance) if roads else None
    made = keep_up(instance, plan_of(stored.document), travel)
    return _keep(connection, stored.settings, locks, document_of(instance, made, now, travel), now, by)


def load(connection: Connection, plan_id: int | None = None) -> Stored:
    """The plan of this number; without one the committed plan, else the newest. NotFoundError when there is none."""
    row = connection.execute(
        "SELECT plan_id, revision, state, planned_for, created_by, based_on, committed_at, committed_by, settings, "
        "locks, document FROM dispatch.plan WHERE coalesce(plan_id = %s, true) "
        "ORDER BY state = 'committed' DESC, plan_id DESC LIMIT 1",
        [plan_id],
    ).fetchone()
    if row is None:
        which = "no plan yet: fleettickets dispatch plan --apply" if plan_id is None else f"no plan {plan_id}"
        raise NotFoundError(f"there is {which}")
    settings, locks = Settings.of(row[8]), Locks.of(row[9])
    return Stored(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], settings, locks, row[10])


def newest_draft(connection: Connection) -> Stored:
    """The draft made last. NotFoundError when there is none."""
    row = connection.execute("SELECT max(plan_id) FROM dispatch.plan WHERE state = 'draft'").fetchone()
    if row is None or row[0] is None:
        raise NotFoundError("there is no draft: fleettickets dispatch plan --apply makes one")
    return load(connection, row[0])


def relock(
    connection: Connection,
    stored: Stored,
    locks: Locks,
    revision: int,
    most_moved: int | None,
    roads: Roads | None = None,
) -> Relocked:
    """Plan the draft anew under other locks, moving at most so many tickets to other crews; None: make no fresh plan.

    A fresh plan costs a search; without one a lock is a matter of a second.
    """
    _only_draft(stored, revision)
    instance = day.read(connection, stored.settings, locks, stored.planned_for)
    travel = roads.travel(connection, instance) if roads else None
    current = plan_of(stored.document)
    if most_moved is None:
        kept = keep_up(instance, current, travel)
        return Relocked(_store(connection, stored, instance, kept, locks, travel), None, None)
    made, moved, fresh = reoptimise(instance, current, most_moved, travel, search_of(stored.settings))
    told = {**worth_of(instance, fresh), "reordered": len(difference(current, fresh).reordered)}
    return Relocked(_store(connection, stored, instance, made, locks, travel), moved, told)


def insert(
    connection: Connection, stored: Stored, ticket_id: str, revision: int, roads: Roads | None = None
) -> Stored | Unassigned:
    """Take one ticket into the draft and move nothing; else why it fits nowhere."""
    _only_draft(stored, revision)
    known = instance_of(stored.document)
    if ticket_id not in {job.ticket_id for job in known.jobs}:
        today = day.read(connection, stored.settings, Locks(), stored.planned_for)
        found = [job for job in today.jobs if job.ticket_id == ticket_id]
        if not found:
            raise NotFoundError(f"ticket {ticket_id} is not open in {', '.join(stored.settings.datasets)}")
        known = replace(known, jobs=(*known.jobs, found[0]))
    travel = roads.travel(connection, known) if roads else None
    made = insert_urgent(known, plan_of(stored.document), ticket_id, travel)
    if isinstance(made, Unassigned):
        return made
    return _store(connection, stored, known, made, stored.locks, travel)


def commit(connection: Connection, stored: Stored, revision: int, by: str, now: datetime) -> list[str]:
    """Make the draft the plan that holds; the tickets that closed meanwhile, which are left out of it.

    Live clients hear of every ticket that this plan or the one before assigns: call it last in the transaction.
    """
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('fleettickets:dispatch', 0))")
    stored = load(connection, stored.plan_id)
    _only_draft(stored, revision)
    row = connection.execute("SELECT plan_id FROM dispatch.plan WHERE state = 'committed'").fetchone()
    current = row[0] if row else None
    if current != stored.based_on:
        raise ConflictError(
            f"plan {current} was committed after plan {stored.plan_id} was made: compare the two, then plan anew"
        )
    made = plan_of(stored.document)
    _demand_drivable(connection, stored, made)
    connection.execute("UPDATE dispatch.plan SET state = 'superseded' WHERE state = 'committed'")
    connection.execute(
        "UPDATE dispatch.plan SET state = 'committed', committed_at = %s, committed_by = %s, revision = revision + 1 "
        "WHERE plan_id = %s",
        [now, by, stored.plan_id],
    )
    closed = _assign(connection, stored, made)
    connection.execute(
        "SELECT tickets.advance_revision(dataset, array_agg(ticket_id)) FROM dispatch.assignment "
        "WHERE plan_id IN (%s, %s) GROUP BY dataset ORDER BY dataset",
        [stored.plan_id, current],
    )
    return closed


def compare(before: Stored, after: Stored) -> Difference:
    """What the crews would notice; both plans on the clock of the later one."""
    shift_s = round((before.planned_for - after.planned_for).total_seconds())
    return difference(_shifted(plan_of(before.document), shift_s), plan_of(after.document))


def search_of(settings: Settings) -> Improve | None:
    """The search where PyVRP is installed and wanted; insertion alone otherwise."""
    if settings.iterations == 0:
        return None
    try:
        from fleettickets.dispatch.search import Search  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        return None
    return Search(iterations=settings.iterations)


def _demand_drivable(connection: Connection, stored: Stored, made: Plan) -> None:
    """Audit the plan over the travel it was made from: straight lines, or what the router said then."""
    instance = instance_of(stored.document)
    is_straight = made.travel_source.startswith("straight line")
    travel = None if is_straight else remembered(connection, instance, made.travel_source)
    wrong = audit.faults(instance, made, travel)
    if wrong:
        raise ConflictError(f"plan {stored.plan_id} cannot be driven ({wrong[0]}): plan anew")


def _only_draft(stored: Stored, revision: int) -> None:
    if stored.state != "draft":
        raise ConflictError(f"plan {stored.plan_id} is {stored.state}: make a new draft")
    if stored.revision != revision:
        raise ConflictError(f"plan {stored.plan_id} is at revision {stored.revision}, not {revision}: look at it again")


def _keep(  # a plan's row
    connection: Connection, settings: Settings, locks: Locks, document: dict[str, Any], now: datetime, by: str
) -> Stored:
    row = connection.execute(
        "INSERT INTO dispatch.plan (planned_for, created_at, created_by, based_on, settings, locks, document) "
        "VALUES (%s, %s, %s, (SELECT plan_id FROM dispatch.plan WHERE state = 'committed'), %s, %s, %s) "
        "RETURNING plan_id",
        [now, now, by, Jsonb(asdict(settings)), Jsonb(locks.as_dict()), Jsonb(document)],
    ).fetchone()
    return load(connection, row[0] if row else 0)


def _still_possible(connection: Connection, settings: Settings, locks: Locks, now: datetime) -> Locks:
    """The locks without the tickets that closed and the vehicles that are not active any more."""
    today = day.read(connection, settings, Locks(), now)
    tickets = {job.ticket_id for job in today.jobs}
    vehicles = {vehicle.vehicle_id for vehicle in today.vehicles}
    return Locks(
        {one: vehicle for one, vehicle in locks.pinned.items() if one in tickets and vehicle in vehicles},
        {
            vehicle: tuple(one for one in ids if one in tickets)
            for vehicle, ids in locks.first.items()
            if vehicle in vehicles
        },
    )


def _store(  # the same
    connection: Connection, stored: Stored, instance: Instance, made: Plan, locks: Locks, travel: Travel | None
) -> Stored:
    row = connection.execute(
        "UPDATE dispatch.plan SET revision = revision + 1, locks = %s, document = %s "
        "WHERE plan_id = %s AND revision = %s AND state = 'draft' RETURNING plan_id",
        [
            Jsonb(locks.as_dict()),
            Jsonb(document_of(instance, made, stored.planned_for, travel)),
            stored.plan_id,
            stored.revision,
        ],
    ).fetchone()
    if row is None:
        raise ConflictError(f"plan {stored.plan_id} was changed by somebody else just now: look at it again")
    return load(connection, stored.plan_id)


def _assign(connection: Connection, stored: Stored, made: Plan) -> list[str]:
    closed = []
    open_now = {
        ticket: dataset
        for dataset, ticket in connection.execute(
            "SELECT 'inc', ticket_id FROM tickets.inc WHERE is_actionable "
            "UNION ALL SELECT 'crq', ticket_id FROM tickets.crq WHERE is_actionable"
        ).fetchall()
    }
    for route in made.routes:
        for position, stop in enumerate(route.stops, 1):
            is_open = stop.ticket_id in open_now
            if not is_open:
                closed.append(stop.ticket_id)
            connection.execute(
                "INSERT INTO dispatch.assignment "
                "(plan_id, dataset, ticket_id, vehicle_id, position, begins_at, ends_at, state) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    stored.plan_id,
                    open_now.get(stop.ticket_id, stored.settings.datasets[0]),
                    stop.ticket_id,
                    route.vehicle_id,
                    position,
                    stored.planned_for + timedelta(seconds=stop.start_s),
                    stored.planned_for + timedelta(seconds=stop.finish_s),
                    "planned" if is_open else "closed_before",
                ],
            )
    return closed


def _shifted(one: Plan, by_s: int) -> Plan:
    routes = tuple(
        replace(
            route,
            stops=tuple(
                replace(
                    stop,
                    arrival_s=stop.arrival_s + by_s,
                    start_s=stop.start_s + by_s,
                    finish_s=stop.finish_s + by_s,
                )
                for stop in route.stops
            ),
        )
        for route in one.routes
    )
    return replace(one, routes=routes)
