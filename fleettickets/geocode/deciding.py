"""From a cleaned name to a decision: which questions to ask, which candidate to believe, when to rather not know."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleettickets.geocode import pluscode
from fleettickets.geocode.names import Kind
from fleettickets.geocode.places import Candidate, Cluster, Decision, Point, key_of
from fleettickets.geocode.scoring import APART_M, GENERIC_WORDS, HARD_LIMIT_M, Scored, is_ambiguous, scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleettickets.geocode.asking import Found
    from fleettickets.geocode.names import Name

    Ask = Callable[[str], Found]

MOST_RUNGS: Final = 3
_SAME_POINT_M: Final = 200.0
_SUSPECT_RADIUS_M: Final = 10_000.0
_SUSPECT_SHARE: Final = 0.6
_FIRST_HAND: Final = frozenset({"point", "place", "street"})


@dataclass(frozen=True, slots=True)
class Rung:
    """One question of the ladder, and what an answer must carry."""

    query: str
    wanted: str
    context: str
    area_only: bool = False


def decision_key(name: Name) -> str:
    """What all spellings of one place share: they share its decision too."""
    if name.kind is Kind.PLACE:
        return key_of(name.place)
    return f"{name.kind.lower()}:{key_of(name.place)}{f'{name.point.lat},{name.point.lon}' if name.point else ''}"


def ladder(name: Name, cluster: str) -> list[Rung]:
    """As written, corrected, without generic words, the specific part alone, its area alone; the first three."""
    rungs = {rung.query_key: rung for rung in reversed([_Keyed.of(rung) for rung in _rungs(name, cluster)])}
    return [keyed.rung for keyed in reversed(rungs.values())][:MOST_RUNGS]


def decide(name: Name, cluster: Cluster, ask: Ask, rejected: Sequence[Point] = ()) -> Decision:
    """Where the name lies; what `ask` cannot answer now is its exception."""
    if name.kind is Kind.CLUSTER:
        return Decision("cluster")
    if name.kind is Kind.NOTHING:
        return Decision("nothing", note=name.reason)
    if name.kind is not Kind.PLACE:
        return _as_written(name, cluster)
    verdict = _Verdict(cluster, name, rejected)
    for rung in ladder(name, cluster.name):
        found = ask(rung.query)
        accepted = verdict.judge(rung, found)
        if accepted:
            return accepted
    return verdict.unresolved()


def decide_cluster(name: Name, cluster: Cluster, ask: Ask) -> Decision:
    """Where a cluster's own name lies: nothing but the operating area may hold it."""
    alone = Cluster(cluster.name, None, cluster.soft_m, cluster.area)
    if name.kind is Kind.NOTHING or not name.place:
        return Decision("nothing", note=name.reason)
    verdict = _Verdict(alone, name, ())
    queries = dict.fromkeys([name.place, _without_generic(name.place)])
    for query in queries:
        accepted = verdict.judge(Rung(query, query, "", area_only=True), ask(query)) if query else None
        if accepted:
            return accepted
    return verdict.unresolved()


def suspected_centre(accepted: int, refused: Sequence[Point]) -> Point | None:
    """Where a cluster's names gather, if they say its point is wrong: more refused than accepted, and together."""
    if len(refused) <= max(accepted, 1):
        return None
    middle = Point(statistics.median(one.lat for one in refused), statistics.median(one.lon for one in refused))
    together = sum(one.distance_m(middle) <= _SUSPECT_RADIUS_M for one in refused)
    return middle if together >= _SUSPECT_SHARE * len(refused) else None


@dataclass(frozen=True, slots=True)
class _Keyed:
    query_key: str
    rung: Rung

    @classmethod
    def of(cls, rung: Rung) -> _Keyed:
        return cls(key_of(rung.query), rung)


def _rungs(name: Name, cluster: str) -> Iterator[Rung]:
    place = name.place or ""
    specific, area = name.specific or place, name.area or ""
    yield Rung(place, specific, area)
    if name.alt:
        wanted, _, context = name.alt.partition(",")
        yield Rung(name.alt, wanted, context)
    fewer = _without_generic(place)
    if fewer:
        yield Rung(fewer, _without_generic(specific) or specific, area)
    if area:
        yield Rung(specific, specific, area)
        if key_of(area) != key_of(cluster):
            yield Rung(area, area, "", area_only=True)


def _without_generic(place: str) -> str:
    return " ".join(word for word in place.split() if word.strip(",").lower() not in GENERIC_WORDS).strip(", ")


def _as_written(name: Name, cluster: Cluster) -> Decision:
    """Coordinates and plus codes are points already; they are held to the same limits."""
    point = _written_point(name, cluster)
    provider = "coordinates" if name.kind is Kind.COORD else "pluscode"
    if point is None:
        return Decision("no_match", provider=provider, note="a short plus code needs the cluster's point")
    distance_m = cluster.centre.distance_m(point) if cluster.centre else None
    is_far = distance_m is not None and distance_m > HARD_LIMIT_M and not cluster.suspect
    if is_far or not cluster.area.holds(point):
        note = "the written point lies too far from the cluster" if is_far else "outside the operating area"
        proposed = point if cluster.area.holds(point) else None
        return Decision("refused", proposed=proposed, distance_m=distance_m, provider=provider, note=note)
    return Decision("ok", point, "point", similarity=1.0, distance_m=distance_m, provider=provider)


def _written_point(name: Name, cluster: Cluster) -> Point | None:
    if name.point:
        return Point(name.point.lat, name.point.lon)
    if name.kind is Kind.PLUSCODE and name.place and cluster.centre:
        return Point(*pluscode.recover(name.place, (cluster.centre.lat, cluster.centre.lon)))
    return None


class _Verdict:
    """What the answers so far say about one name."""

    def __init__(self, cluster: Cluster, name: Name, rejected: Sequence[Point]) -> None:
        self._cluster = cluster
        self._name = name
        self._rejected = rejected
        self._far: Decision | None = None
        self._refused: Decision | None = None
        self._ambiguous: Decision | None = None
        self._last: Decision = Decision("no_match")

    def judge(self, rung: Rung, found: Found) -> Decision | None:
        """The decision, if this answer settles the matter."""
        self._last = Decision("no_match", provider=found.provider, query=rung.query)
        inside = [one for one in found.candidates if self._may_be(one)]
        if len(inside) < len(found.candidates) and not inside:
            self._refused = self._refused or Decision(
                "refused", provider=found.provider, query=rung.query, note="only outside the operating area"
            )
        marked = scored(rung.wanted, rung.context, inside, self._cluster)
        if not marked:
            return None
        if self._cluster.centre is None or self._cluster.suspect:
            return self._without_centre(rung, found, marked)
        return self._with_centre(rung, found, marked)

    def unresolved(self) -> Decision:
        """The most useful of what was found wanting."""
        return self._far or self._ambiguous or self._refused or self._last

    def _with_centre(self, rung: Rung, found: Found, marked: Sequence[Scored]) -> Decision | None:
        for one in marked:
            if (one.distance_m or 0.0) <= self._cluster.soft_m:
                return self._accepted(rung, found, one)
        for one in marked:
            if (one.distance_m or 0.0) <= HARD_LIMIT_M:
                self._far = self._far or self._set_aside("far", rung, found, one)
            else:
                self._refused = self._refused or self._set_aside("refused", rung, found, one)
        return None

    def _without_centre(self, rung: Rung, found: Found, marked: Sequence[Scored]) -> Decision | None:
        others = "ambiguous" in self._name.flags and any(
            one.candidate.point.distance_m(marked[0].candidate.point) > APART_M for one in marked[1:]
        )
        if others or is_ambiguous(marked):
            self._ambiguous = self._ambiguous or self._set_aside("ambiguous", rung, found, marked[0])
            return None
        return self._accepted(rung, found, marked[0])

    def _accepted(self, rung: Rung, found: Found, one: Scored) -> Decision:
        return Decision(
            "ok",
            one.candidate.point,
            self._precision(rung, found, one.candidate),
            score=one.score,
            similarity=one.similarity,
            distance_m=one.distance_m,
            provider=found.provider,
            ref=one.candidate.ref,
            query=rung.query,
        )

    def _set_aside(self, status: str, rung: Rung, found: Found, one: Scored) -> Decision:
        return Decision(
            status,
            proposed=one.candidate.point,
            precision=self._precision(rung, found, one.candidate),
            score=one.score,
            similarity=one.similarity,
            distance_m=one.distance_m,
            provider=found.provider,
            ref=one.candidate.ref,
            query=rung.query,
            note=one.candidate.label[:200],
        )

    def _may_be(self, candidate: Candidate) -> bool:
        if not self._cluster.area.holds(candidate.point):
            return False
        return all(candidate.point.distance_m(point) > _SAME_POINT_M for point in self._rejected)

    def _precision(self, rung: Rung, found: Found, candidate: Candidate) -> str:
        """How much of the name the point stands for: never more than the candidate, the rung and the name allow."""
        if rung.area_only or found.provider == "gazetteer":
            return "area"
        if "landmark" in self._name.flags and candidate.precision in _FIRST_HAND:
            return "near"
        return candidate.precision
