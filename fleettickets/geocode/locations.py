"""A decision a location name: the most urgent places first, one question for all spellings, kept with its evidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fleettickets import failpoint
from fleettickets.db import statement
from fleettickets.geocode import names, run
from fleettickets.geocode.asking import UnansweredError
from fleettickets.geocode.clusters import next_try, requeue
from fleettickets.geocode.deciding import decide, decision_key, suspected_centre
from fleettickets.geocode.places import Cluster, Decision, Point, key_of
from fleettickets.geocode.report import GeocodeReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleettickets.db import Connection
    from fleettickets.geocode.asking import Asker, Terms
    from fleettickets.geocode.clock import Clock
    from fleettickets.geocode.names import Name
    from fleettickets.geocode.provider import Provider
    from fleettickets.geocode.run import Order, World

LONGEST_NAME: Final = 500
"""Longer text is no name; it is not looked up, and its ticket lies at its cluster."""

_PLACES_A_COMMIT: Final = 100


@dataclass(frozen=True, slots=True)
class OpenName:
    """One spelling that waits for a decision, and what an earlier run decided."""

    point: Point | None
    location_name: str
    cluster: str
    tickets: int
    urgency: int
    of_inc: bool
    attempts: int
    key: str | None
    status: str | None


@dataclass(slots=True)
class Task:
    """One place to decide, in all its spellings."""

    key: str
    cluster: str
    spellings: list[tuple[OpenName, Name]] = field(default_factory=list)

    @property
    def name(self) -> Name:
        """The place; the first spelling stands for all."""
        return self.spellings[0][1]

    @property
    def order(self) -> tuple[int, int, bool, str]:
        """Open by SLA state, then by tickets, then faults before installations."""
        opens = [spelling for spelling, _ in self.spellings]
        tickets = sum(one.tickets for one in opens)
        return min(one.urgency for one in opens), -tickets, not self.of_inc, self.key

    @property
    def of_inc(self) -> bool:
        """Whether a fault waits for it: its share of the budget pays then."""
        return any(spelling.of_inc for spelling, _ in self.spellings)

    @property
    def purpose(self) -> str:
        """Whose share of the budget pays."""
        return "inc" if self.of_inc else "crq"


def geocode_locations(
    order: Order,
    providers: Sequence[tuple[Provider, Terms]],
    connect: Callable[[], Connection],
    clock: Clock,
    advanced: Callable[[int, int], None],
) -> GeocodeReport:
    """Decide every open name that waits; without apply only say what would be asked."""
    took = run.stopwatch()
    report = GeocodeReport("locations", order.apply, [provider.name for provider, _ in providers])
    with run.session(connect, apply=order.apply) as session:
        world = run.read_world(session.connection, providers)
        asker = run.asker(order, providers, session.books, clock, world)
        work = _Work(session.connection, world, asker, report, clock, advanced)
        opens = _open_names(session.connection, order, world, clock)
        report.names = len(opens)
        if order.apply:
            work.perform(opens)
        else:
            work.plan(opens)
        report.left_today = asker.left_today()
    report.duration_s = took()
    return report


def tasks_of(opens: Sequence[OpenName], clean: Callable[[str, str], Name]) -> list[Task]:
    """The places behind the spellings, the most urgent first."""
    tasks: dict[tuple[str, str], Task] = {}
    for one in opens:
        name = clean(one.location_name, one.cluster)
        key = decision_key(name)
        tasks.setdefault((key, one.cluster), Task(key, one.cluster)).spellings.append((one, name))
    return sorted(tasks.values(), key=lambda task: task.order)


class _Work:
    """One run over names."""

    def __init__(
        self,
        connection: Connection,
        world: World,
        asker: Asker,
        report: GeocodeReport,
        clock: Clock,
        advanced: Callable[[int, int], None],
    ) -> None:
        self.connection = connection
        self.world = world
        self.asker = asker
        self.report = report
        self.clock = clock
        self.advanced = advanced
        self.clusters = world.clusters()
        self._rows: list[dict[str, Any]] = []
        self._waiting_since_s = run.stopwatch()

    def plan(self, opens: Sequence[OpenName]) -> None:
        """Which questions a run would send: at least the first of each place, at most its whole ladder."""
        tasks = self._tasks(opens)
        settled = self._settled(tasks)
        first: dict[str, str] = {}
        every: dict[str, str] = {}
        for task in tasks:
            if (task.key, task.cluster) in settled or self._still_holds(task):
                self.report.shared += len(task.spellings)
                continue
            self.report.pending += 1
            new = {
                key_of(rung.query): rung.query for rung in task.name.ladder if not self.asker.is_answered(rung.query)
            }
            first.update(list(new.items())[:1])
            every.update(new)
        self.report.plan(list(first.values()), list(every.values()))

    def perform(self, opens: Sequence[OpenName]) -> None:
        """Decide, write and move tickets, a few places a commit."""
        tasks = self._share(self._tasks(opens))
        touched = self._decide(tasks)
        for cluster in self._suspects(touched):
            self._decide(self._members(cluster))
        self.asker.close()
        self.report.requests, self.report.reused_answers = dict(self.asker.sent), self.asker.reused
        self.report.judge(self.asker.problems(), out_of_budget=self.asker.out_of_budget)

    def _tasks(self, opens: Sequence[OpenName]) -> list[Task]:
        tasks = tasks_of(opens, lambda raw, cluster: names.clean(raw, cluster, self.world.rules))
        self.report.places = len(tasks)
        return tasks

    def _cluster(self, name: str) -> Cluster:
        return self.clusters.get(name) or self.world.unseen(name)

    def _decide(self, tasks: Sequence[Task]) -> set[str]:
        """Decide the tasks; the clusters in which a candidate was refused for its distance."""
        touched: set[str] = set()
        for done, task in enumerate(tasks, 1):
            cluster = self._cluster(task.cluster)
            rejected = self._rejected(task) if any(one.attempts or one.key for one, _ in task.spellings) else []
            try:
                ask = partial(self.asker.ask, purpose=task.purpose)
                decision = decide(task.name, cluster, ask, rejected)
            except UnansweredError:
                self.report.pending += 1
                continue
            if decision.status == "refused" and decision.proposed and cluster.centre and not cluster.suspect:
                touched.add(task.cluster)
            self.report.by_status[decision.status] += 1
            self._rows += [self._row(task, one, name, decision) for one, name in task.spellings]
            failpoint.reached("decided")
            if done % _PLACES_A_COMMIT == 0 or self._waiting_since_s() > run.LONGEST_UNWRITTEN_S:
                self._write()
            self.advanced(done, len(tasks))
        self._write()
        return touched

    def _write(self) -> None:
        """Commit the decisions so far together with the tickets they move."""
        if self._rows:
            with self.connection.transaction():
                written = self.connection.execute(
                    statement(run.FOLDER, "record_locations"), {"rows": run.as_rows(self._rows)}
                ).fetchall()
                run.moved(self.connection, self.report.moved, sorted({name for (name,) in written}), [])
        self._rows.clear()
        self._waiting_since_s = run.stopwatch()

    def _row(self, task: Task, one: OpenName, name: Name, decision: Decision) -> dict[str, Any]:
        now = self.clock.now()
        attempts = 0 if decision.point else one.attempts + 1
        point, proposed = decision.point, decision.proposed
        return {
            **_spelling(task, one, name),
            "status": decision.status,
            "precision": decision.precision,
            "score": decision.score,
            "name_sim": decision.similarity,
            "dist_m": decision.distance_m,
            "provider": decision.provider,
            "provider_ref": decision.ref,
            "query": decision.query,
            "norm_version": self.world.version,
            "attempts": attempts,
            "next_try_at": next_try(decision, attempts, now),
            "lat": point.lat if point else None,
            "lon": point.lon if point else None,
            "proposed_lat": proposed.lat if proposed else None,
            "proposed_lon": proposed.lon if proposed else None,
            "note": decision.note,
            "candidates": [asdict(offer) for offer in decision.offers] or None,
            "updated_at": now,
        }

    def _share(self, tasks: Sequence[Task]) -> list[Task]:
        """Give new spellings the decision their place has already; the tasks that are left."""
        kept = [task for task in tasks if self._still_holds(task)]
        settled = self._settled(tasks)
        shared = [task for task in tasks if task not in kept and (task.key, task.cluster) in settled]
        rows = [_spelling(task, one, name) for task in shared for one, name in task.spellings]
        with self.connection.transaction():
            for task in kept:
                self._renew(task)
            found = self.connection.execute(
                statement(run.FOLDER, "share_decisions"),
                {"rows": run.as_rows(rows), "version": self.world.version, "now": self.clock.now()},
            ).fetchall()
            run.moved(self.connection, self.report.moved, sorted({name for name, _ in found}), [])
        self.report.shared = len(found) + sum(len(task.spellings) for task in kept)
        done = {(task.key, task.cluster) for task in [*kept, *shared]}
        return [task for task in tasks if (task.key, task.cluster) not in done]

    def _still_holds(self, task: Task) -> bool:
        """Whether every spelling has this place's point already, near enough to the cluster: nothing to ask again."""
        cluster = self._cluster(task.cluster)
        return all(
            one.key == task.key
            and one.status == "ok"
            and one.point is not None
            and cluster.area.holds(one.point)
            and (cluster.centre is None or cluster.suspect or cluster.centre.distance_m(one.point) <= cluster.soft_m)
            for one, _ in task.spellings
        )

    def _renew(self, task: Task) -> None:
        self.connection.execute(
            "UPDATE tickets.geo_locations SET norm_version = %s WHERE cluster = %s AND location_name = ANY (%s)",
            [self.world.version, task.cluster, [one.location_name for one, _ in task.spellings]],
        )

    def _settled(self, tasks: Sequence[Task]) -> set[tuple[str, str]]:
        rows = self.connection.execute(
            "SELECT DISTINCT decision_key, cluster FROM tickets.geo_locations WHERE decision_key = ANY (%s) "
            "AND (verified OR (norm_version = %s AND (next_try_at IS NULL OR next_try_at > %s)))",
            [sorted({task.key for task in tasks}), self.world.version, self.clock.now()],
        )
        return {(key, cluster) for key, cluster in rows}

    def _rejected(self, task: Task) -> list[Point]:
        """Points a person refused for this place."""
        rows = self.connection.execute(
            "SELECT (before -> 0 ->> 'proposed_lat')::double precision, "
            "(before -> 0 ->> 'proposed_lon')::double precision FROM tickets.geo_decisions "
            "WHERE action = 'reject' AND undone_at IS NULL AND decision_key = %s AND cluster = %s",
            [task.key, task.cluster],
        )
        return [Point(lat, lon) for lat, lon in rows if lat is not None and lon is not None]

    def _suspects(self, touched: set[str]) -> Iterator[str]:
        """Clusters whose names say that their point is wrong; each is marked before it is answered."""
        for cluster in sorted(touched):
            accepted, refused = self._tally(cluster)
            proposed = suspected_centre(accepted, refused)
            if proposed is None:
                continue
            with self.connection.transaction():
                marked = self.connection.execute(
                    "UPDATE tickets.geo_clusters SET suspect = true, note = %s, updated_at = %s, "
                    "proposed_geom = public.st_setsrid(public.st_makepoint(%s, %s), 4326) "
                    "WHERE cluster = %s AND NOT verified AND NOT suspect",
                    ["its names gather elsewhere", self.clock.now(), proposed.lon, proposed.lat, cluster],
                ).rowcount
                if marked:
                    requeue(self.connection, cluster)
            if marked:
                self.report.suspects.append(cluster)
                self.clusters[cluster] = replace(self.clusters[cluster], suspect=True)
                yield cluster

    def _tally(self, cluster: str) -> tuple[int, list[Point]]:
        """Distinct places accepted, and where those refused for their distance lie."""
        rows = self.connection.execute(
            "SELECT DISTINCT ON (decision_key) status, public.st_y(proposed_geom), public.st_x(proposed_geom) "
            "FROM tickets.geo_locations WHERE cluster = %s AND clean_kind = 'PLACE' AND status IN ('ok', 'refused') "
            "ORDER BY decision_key",
            [cluster],
        ).fetchall()
        refused = [Point(lat, lon) for status, lat, lon in rows if status == "refused" and lat is not None]
        return sum(status == "ok" for status, _, _ in rows), refused

    def _members(self, cluster: str) -> list[Task]:
        """The names of a doubted cluster that were refused or set aside for their distance."""
        rows = self.connection.execute(
            "SELECT location_name, cluster, 1, 0, true, attempts - 1, decision_key, status FROM tickets.geo_locations "
            "WHERE cluster = %s AND NOT verified AND status IN ('refused', 'far')",
            [cluster],
        )
        opens = [OpenName(None, *row) for row in rows]
        self.report.by_status.subtract(one.status for one in opens if one.status)
        return tasks_of(opens, lambda raw, home: names.clean(raw, home, self.world.rules))


def _open_names(connection: Connection, order: Order, world: World, clock: Clock) -> list[OpenName]:
    rows = connection.execute(
        statement(run.FOLDER, "open_names"),
        {
            "now": clock.now(),
            "closed": order.closed,
            "datasets": list(order.datasets),
            "longest": LONGEST_NAME,
            "version": world.version,
        },
    )
    return [OpenName(Point(lat, lon) if lat is not None else None, *facts) for *facts, lat, lon in rows]


def _spelling(task: Task, one: OpenName, name: Name) -> dict[str, Any]:
    return {
        "location_name": one.location_name,
        "cluster": one.cluster,
        "decision_key": task.key,
        "clean_kind": str(name.kind),
        "place": name.place,
        "alt": name.alt,
        "unit": name.unit,
    }
