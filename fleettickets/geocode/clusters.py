"""A point a cluster: asked for by the cluster's own name, held to the operating area, doubted where it disagrees."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from fleettickets.db import statement
from fleettickets.geocode import names, run
from fleettickets.geocode.asking import UnansweredError
from fleettickets.geocode.deciding import decide_cluster
from fleettickets.geocode.places import Decision, key_of
from fleettickets.geocode.report import GeocodeReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from fleettickets.db import Connection
    from fleettickets.geocode.asking import Asker, Terms
    from fleettickets.geocode.clock import Clock
    from fleettickets.geocode.names import Name
    from fleettickets.geocode.places import Point
    from fleettickets.geocode.provider import Provider
    from fleettickets.geocode.run import ClusterFact, Order, Session, World


def geocode_clusters(
    order: Order,
    providers: Sequence[tuple[Provider, Terms]],
    connect: Callable[[], Connection],
    clock: Clock,
    advanced: Callable[[int, int], None],
) -> GeocodeReport:
    """Find a point for every cluster that has none, or whose rules changed; without apply only say what for."""
    took = run.stopwatch()
    report = GeocodeReport("clusters", order.apply, [provider.name for provider, _ in providers])
    with run.session(connect, apply=order.apply) as session:
        world = run.read_world(session.connection, providers)
        asker = run.asker(order, providers, session.books, clock, world)
        report.names = report.places = len(world.facts)
        due = [fact for fact in world.facts if _is_due(fact, world, clock.now())]
        if order.apply:
            _work(session, world, asker, due, report, clock, advanced)
        else:
            _plan(world, asker, due, report)
        report.left_today = asker.left_today()
    report.duration_s = took()
    return report


def own_name(cluster: str, world: World) -> Name:
    """What the cluster is called: Kasarani, or Quarry Road for QOA."""
    return names.clean(cluster, cluster, world.rules)


def _is_due(fact: ClusterFact, world: World, now: datetime) -> bool:
    if fact.verified or fact.suspect:  # a person decided, or has to
        return False
    if fact.centre is not None and not world.area(fact.region).holds(fact.centre):
        return True
    return fact.norm_version != world.version or (fact.next_try_at is not None and fact.next_try_at <= now)


def _plan(world: World, asker: Asker, due: Sequence[ClusterFact], report: GeocodeReport) -> None:
    queries = {key_of(place): place for fact in due if (place := own_name(fact.name, world).place)}
    questions = [query for query in queries.values() if not asker.is_answered(query)]
    report.plan(questions, questions)
    report.pending = len(due)


def _work(  # the parts of a run
    session: Session,
    world: World,
    asker: Asker,
    due: Sequence[ClusterFact],
    report: GeocodeReport,
    clock: Clock,
    advanced: Callable[[int, int], None],
) -> None:
    rows: list[dict[str, Any]] = []
    changed: list[str] = []
    waiting_s = run.stopwatch()
    for done, fact in enumerate(due, 1):
        name = own_name(fact.name, world)
        try:
            decision = decide_cluster(name, world.cluster(fact), lambda query: asker.ask(query, "inc"))
        except UnansweredError:
            report.pending += 1
            continue
        report.by_status[decision.status] += 1
        row = _row(fact, name, decision, world, clock.now())
        rows.append(row)
        if row["suspect"]:
            report.suspects.append(fact.name)
        if _changes(fact, row):
            changed.append(fact.name)
        if waiting_s() > run.LONGEST_UNWRITTEN_S:
            _write(session.connection, rows, changed, report)
            waiting_s = run.stopwatch()
        advanced(done, len(due))
    _write(session.connection, rows, changed, report)
    asker.close()
    report.requests, report.reused_answers = dict(asker.sent), asker.reused
    report.judge(asker.problems(), out_of_budget=asker.out_of_budget)


def _write(connection: Connection, rows: list[dict[str, Any]], changed: list[str], report: GeocodeReport) -> None:
    """Commit the decisions so far together with the tickets they move."""
    with connection.transaction():
        for row in rows:
            connection.execute(statement(run.FOLDER, "record_cluster"), row)
        for cluster in changed:
            requeue(connection, cluster)
        run.moved(connection, report.moved, [], changed)
    rows.clear()
    changed.clear()


def requeue(connection: Connection, cluster: str) -> None:
    """Have the cluster's names judged again: they were held to another point. Verified ones are left alone."""
    connection.execute(
        "UPDATE tickets.geo_locations SET norm_version = NULL "
        "WHERE cluster = %s AND NOT verified AND clean_kind IN ('PLACE', 'COORD', 'PLUSCODE')",
        [cluster],
    )


def _row(fact: ClusterFact, name: Name, decision: Decision, world: World, now: datetime) -> dict[str, Any]:
    """The gazetteer row: a point set by hand or fed stays, and is only doubted when its own name lies elsewhere."""
    is_ours = (
        fact.centre is not None and fact.origin in {"manual", "feed"} and world.area(fact.region).holds(fact.centre)
    )
    found = decision.point
    point, proposed, suspect = found, decision.proposed, False
    if is_ours:
        point, proposed = fact.centre, None
        if found and fact.centre and fact.centre.distance_m(found) > run.soft_m(fact.p95_m):
            proposed, suspect = found, True
    attempts = 0 if point else fact.attempts + 1
    return {
        "cluster": fact.name,
        "alias": name.place if name.place and key_of(name.place) != key_of(fact.name) else None,
        "region": fact.region,
        "lat": point.lat if point else None,
        "lon": point.lon if point else None,
        "soft_m": run.soft_m(fact.p95_m),
        "origin": fact.origin if is_ours else "provider",
        "status": "ok" if point else decision.status,
        "suspect": suspect,
        "proposed_lat": proposed.lat if proposed else None,
        "proposed_lon": proposed.lon if proposed else None,
        "name_sim": decision.similarity,
        "provider": None if is_ours else decision.provider,
        "provider_ref": None if is_ours else decision.ref,
        "query": decision.query,
        "norm_version": world.version,
        "attempts": attempts,
        "next_try_at": None if point else next_try(decision, attempts, now),
        "note": "its own name lies elsewhere" if suspect else decision.note,
        "candidates": Jsonb([asdict(offer) for offer in decision.offers]) if decision.offers else None,
        "now": now,
    }


def next_try(decision: Decision, attempts: int, now: datetime) -> datetime | None:
    """When a name nobody knew is worth a question again; what waits for a person is not asked by itself."""
    if decision.status not in {"no_match", "refused"}:
        return None
    days = run.NEGATIVE_DAYS[min(max(attempts, 1), len(run.NEGATIVE_DAYS)) - 1]
    return now + timedelta(days=days)


def _changes(fact: ClusterFact, row: dict[str, Any]) -> bool:
    centre: Point | None = fact.centre
    before = (centre.lat, centre.lon) if centre else (None, None)
    return before != (row["lat"], row["lon"]) or fact.suspect != row["suspect"]
