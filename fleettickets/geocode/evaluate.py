"""How good the points are: names whose places are known, resolved as a run would, measured, nothing written.

The books are a scratch pad and the database is only read: its rules, its operating areas, the cluster points it
has. A cluster without a point gets the one its own name leads to.
"""

from __future__ import annotations

import csv
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fleettickets.errors import UsageError
from fleettickets.geocode import names, run
from fleettickets.geocode.asking import Asker, UnansweredError
from fleettickets.geocode.books import ScratchPad
from fleettickets.geocode.clusters import own_name
from fleettickets.geocode.deciding import decide, decide_cluster, decision_key, suspected_centre
from fleettickets.geocode.places import Cluster, Decision, Point
from fleettickets.geocode.provider import point_of
from fleettickets.geocode.report import GeocodeReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleettickets.db import Connection
    from fleettickets.geocode.asking import Terms
    from fleettickets.geocode.clock import Clock
    from fleettickets.geocode.provider import Provider
    from fleettickets.geocode.run import Order, World

_NEAR_M: Final = 1_000.0
_FAR_M: Final = 5_000.0
_MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Expected:
    """One name to resolve and where its place is; no point: it must resolve to nothing."""

    raw: str
    cluster: str
    place_id: str
    point: Point | None
    tier: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one name."""

    expected: Expected
    status: str
    point: Point | None
    error_m: float | None


@dataclass(slots=True)
class Evaluation:
    """The marks."""

    results: list[Result] = field(default_factory=list)
    run: GeocodeReport = field(default_factory=lambda: GeocodeReport("evaluate", applied=False))
    cluster_requests: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As one JSON-ready document; shares are of the names that have a place."""
        sent = sum(self.run.requests.values())
        distinct = len({(one.expected.raw, one.expected.cluster) for one in self.results})
        nothing = [one for one in self.results if one.expected.point is None]
        tiers = sorted({one.expected.tier for one in self.results if one.expected.point})
        wrong = [one for one in self.results if _is_wrong(one)]
        return {
            "exit_code": self.run.exit_code,
            "error": self.run.error,
            "providers": self.run.providers,
            "names": len(self.results),
            "distinct_names": distinct,
            **_marks(self.results),
            "must_be_nothing": len(nothing),
            "resolved_though_nothing": sum(one.point is not None for one in nothing),
            "requests": sent,
            "requests_for_clusters": self.cluster_requests,
            "requests_per_distinct_name": round(sent / distinct, 4) if distinct else None,
            "by_tier": {tier: _marks([one for one in self.results if one.expected.tier == tier]) for tier in tiers},
            "notes": self.run.notes,
            "wrong": [
                {
                    "raw": one.expected.raw,
                    "cluster": one.expected.cluster,
                    "place_id": one.expected.place_id or None,
                    "status": one.status,
                    "error_km": None if one.error_m is None else round(one.error_m / 1000, 3),
                }
                for one in sorted(wrong, key=lambda one: -(one.error_m or 0.0))[:_MOST_SHOWN]
            ],
        }


def evaluate(
    expected: Sequence[Expected],
    order: Order,
    providers: Sequence[tuple[Provider, Terms]],
    connection: Connection,
    clock: Clock,
) -> Evaluation:
    """Resolve every name as a run would and measure how far off it is."""
    took = run.stopwatch()
    world = run.read_world(connection, providers)
    asker = run.asker(order, providers, ScratchPad(), clock, world)
    found = Evaluation()
    found.run.providers = [provider.name for provider, _ in providers]
    clusters = _clusters({one.cluster for one in expected}, world, asker, found)
    found.cluster_requests = asker.sent.total()
    decisions = _decisions(expected, clusters, world, asker, found)
    found.results = [_result(one, clusters[one.cluster], decisions[one.raw, one.cluster]) for one in expected]
    asker.close()
    found.run.requests, found.run.duration_s = dict(asker.sent), took()
    found.run.judge(asker.problems(), out_of_budget=asker.out_of_budget)
    return found


def read_expected(places: Path, names_: Path) -> list[Expected]:
    """The two files as one list; what is missing or unreadable is a UsageError."""
    points: dict[str, tuple[Point, str]] = {}
    for row in _rows(places, ("id", "lat", "lon")):
        point = point_of(row["lat"], row["lon"])
        if point is None:
            raise UsageError(f"{places}: place {row['id']!r} has no usable lat and lon")
        points[row["id"].strip()] = (point, row.get("tier") or "")
    found = []
    for row in _rows(names_, ("raw", "cluster", "place_id")):
        place_id = row["place_id"].strip()
        if place_id and place_id not in points:
            raise UsageError(f"{names_}: place_id {place_id!r} is not in {places}")
        point, tier = points[place_id] if place_id else (None, "")
        found.append(Expected(row["raw"], row["cluster"].strip(), place_id, point, tier))
    return found


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, restval="")
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise UsageError(f"{path} has no column {', '.join(missing)}")
            return [{name: value or "" for name, value in row.items() if name} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV ({type(error).__name__})") from error


def _clusters(wanted: set[str], world: World, asker: Asker, found: Evaluation) -> dict[str, Cluster]:
    known = world.clusters()
    clusters = {}
    for name in sorted(wanted):
        cluster = known.get(name) or world.unseen(name)
        if cluster.centre is None and name:
            try:
                decision = decide_cluster(own_name(name, world), cluster, partial(asker.ask, purpose="inc"))
                cluster = replace(cluster, centre=decision.point)
            except UnansweredError:
                found.run.pending += 1
        clusters[name] = cluster
    return clusters


def _decisions(
    expected: Sequence[Expected], clusters: dict[str, Cluster], world: World, asker: Asker, found: Evaluation
) -> dict[tuple[str, str], Decision]:
    cleaned = {(one.raw, one.cluster): names.clean(one.raw, one.cluster, world.rules) for one in expected}
    places = {(decision_key(name), cluster): name for (_, cluster), name in cleaned.items()}
    decided: dict[tuple[str, str], Decision] = {}

    def decide_again(keys: Sequence[tuple[str, str]]) -> None:
        for key in keys:
            try:
                decided[key] = decide(places[key], clusters[key[1]], partial(asker.ask, purpose="inc"))
            except UnansweredError:
                found.run.pending += 1
                decided[key] = Decision("unanswered")

    decide_again(list(places))
    for cluster in _doubted(decided):
        clusters[cluster] = replace(clusters[cluster], suspect=True)
        found.run.suspects.append(cluster)
        decide_again([key for key, one in decided.items() if key[1] == cluster and one.status in {"refused", "far"}])
    return {key: decided[decision_key(name), key[1]] for key, name in cleaned.items()}


def _doubted(decided: dict[tuple[str, str], Decision]) -> list[str]:
    """Clusters whose names say that their point is wrong."""
    refused: defaultdict[str, list[Point]] = defaultdict(list)
    accepted: Counter[str] = Counter()
    for (_, cluster), decision in decided.items():
        if decision.status == "refused" and decision.proposed:
            refused[cluster].append(decision.proposed)
        accepted[cluster] += decision.status == "ok"
    return [cluster for cluster, points in refused.items() if suspected_centre(accepted[cluster], points)]


def _result(expected: Expected, cluster: Cluster, decision: Decision) -> Result:
    point = cluster.centre if decision.status == "cluster" else decision.point
    error_m = point.distance_m(expected.point) if point and expected.point else None
    return Result(expected, decision.status, point, error_m)


def _is_wrong(one: Result) -> bool:
    if one.expected.point is None:
        return one.point is not None
    return one.error_m is None or one.error_m > _NEAR_M


def _marks(results: Sequence[Result]) -> dict[str, Any]:
    placed = [one for one in results if one.expected.point]
    errors = [one.error_m for one in placed if one.error_m is not None]

    def share(n: int) -> float | None:
        return round(n / len(placed), 4) if placed else None

    return {
        "with_a_place": len(placed),
        "resolved": len(errors),
        "median_error_km": round(statistics.median(errors) / 1000, 4) if errors else None,
        "within_1_km_share": share(sum(error <= _NEAR_M for error in errors)),
        "beyond_5_km_share": share(sum(error > _FAR_M for error in errors)),
        "unresolved_share": share(len(placed) - len(errors)),
    }
