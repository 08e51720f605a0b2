"""From a cleaned name to a decision: which questions to ask, which candidate to believe, when to rather not know."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from fleettickets.geocode import pluscode
from fleettickets.geocode.names import Kind
from fleettickets.geocode.places import Candidate, Cluster, Decision, Offer, Point, key_of
from fleettickets.geocode.scoring import APART_M, HARD_LIMIT_M, SURE_SIMILARITY, Scored, alike, is_ambiguous, scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleettickets.geocode.asking import Found
    from fleettickets.geocode.names import Name

    Ask = Callable[[str], Found]

_SAME_POINT_M: Final = 200.0
_MOST_OFFERS: Final = 5
_SUSPECT_RADIUS_M: Final = 10_000.0
_SUSPECT_SHARE: Final = 0.6
_FIRST_HAND: Final = frozenset({"point", "place", "street"})


@dataclass(frozen=True, slots=True)
class _Question:
    """One rung of the ladder and what an answer must carry; words of its context a candidate may share for free."""

    query: str
    wanted: str
    context: str = ""
    is_area: bool = False


def decision_key(name: Name) -> str:
    """What all spellings of one place share: they share its decision too."""
    if name.kind is Kind.PLACE:
        return key_of(name.place)
    point = f"{name.point.lat},{name.point.lon}" if name.point else ""
    return f"{name.kind.lower()}:{name.pluscode or point or key_of(name.place)}"


def decide(name: Name, cluster: Cluster, ask: Ask, rejected: Sequence[Point] = ()) -> Decision:
    """Where the name lies; what `ask` cannot answer now is its exception."""
    if name.kind is Kind.CLUSTER:
        return Decision("cluster")
    if name.kind is Kind.NOTHING:
        return Decision("nothing", note=name.reason)
    if name.kind is not Kind.PLACE:
        return _as_written(name, cluster)
    verdict = _Verdict(cluster, name, rejected)
    for question in _questions(name, cluster):
        accepted = verdict.judge(question, ask(question.query))
        if accepted:
            return accepted
    return verdict.unresolved()


def decide_cluster(name: Name, cluster: Cluster, ask: Ask) -> Decision:
    """Where a cluster's own name lies: nothing but the operating area may hold it."""
    alone = replace(cluster, centre=None)
    if name.kind is Kind.NOTHING or not name.place:
        return Decision("nothing", note=name.reason)
    verdict = _Verdict(alone, name, ())
    accepted = verdict.judge(_Question(name.place, name.place, is_area=True), ask(name.place))
    return accepted or verdict.unresolved()


def suspected_centre(accepted: int, refused: Sequence[Point]) -> Point | None:
    """Where a cluster's names gather, if they say its point is wrong: more refused than accepted, and together."""
    if len(refused) <= max(accepted, 1):
        return None
    middle = Point(statistics.median(one.lat for one in refused), statistics.median(one.lon for one in refused))
    together = sum(one.distance_m(middle) <= _SUSPECT_RADIUS_M for one in refused)
    return middle if together >= _SUSPECT_SHARE * len(refused) else None


def _questions(name: Name, cluster: Cluster) -> Iterator[_Question]:
    """The name's ladder; the area alone is only asked where it is not the cluster, whose point is known already."""
    place, area = name.place or "", name.area or ""
    for rung in name.ladder:
        if rung.precision == "area":
            if key_of(area) not in cluster.names:
                yield _Question(rung.query, area, is_area=True)
        else:
            yield _Question(rung.query, name.specific or place, area if name.specific else "")


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
    if name.pluscode and cluster.centre:
        return Point(*pluscode.recover(name.pluscode, (cluster.centre.lat, cluster.centre.lon)))
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
        self._offers: list[Offer] = []

    def judge(self, question: _Question, found: Found) -> Decision | None:
        """The decision, if this answer settles the matter."""
        self._last = Decision("no_match", provider=found.provider, query=question.query)
        inside = [one for one in found.candidates if self._cluster.area.holds(one.point)]
        if found.candidates and not inside:
            self._refused = self._refused or Decision(
                "refused", provider=found.provider, query=question.query, note="only outside the operating area"
            )
        offered = scored(question.wanted, question.context, filter(self._may_be, inside), self._cluster)
        self._offers += [self._offer(question, found, one) for one in offered]
        marked = alike(offered)
        if not marked:
            return None
        if self._cluster.centre is None or self._cluster.suspect:
            accepted = self._without_centre(question, found, marked)
        else:
            accepted = self._with_centre(question, found, marked)
        return accepted and replace(accepted, offers=self._best_offers())

    def unresolved(self) -> Decision:
        """The most useful of what was found wanting."""
        found = self._far or self._ambiguous or self._refused or self._last
        return replace(found, offers=self._best_offers())

    def _with_centre(self, question: _Question, found: Found, marked: Sequence[Scored]) -> Decision | None:
        for one in marked:
            if (one.distance_m or 0.0) <= self._cluster.soft_m:
                return self._accepted(question, found, one)
        for one in marked:
            if (one.distance_m or 0.0) <= HARD_LIMIT_M:
                self._far = self._far or self._set_aside("far", question, found, one)
            else:
                self._refused = self._refused or self._set_aside("refused", question, found, one)
        return None

    def _without_centre(self, question: _Question, found: Found, marked: Sequence[Scored]) -> Decision | None:
        others = "ambiguous" in self._name.flags and any(
            one.candidate.point.distance_m(marked[0].candidate.point) > APART_M for one in marked[1:]
        )
        if others or is_ambiguous(marked):
            self._ambiguous = self._ambiguous or self._set_aside("ambiguous", question, found, marked[0])
            return None
        # A shop may be called like the suburb it once stood in; without a centre the suburb is meant.
        places = [one for one in marked if one.candidate.is_place and one.similarity >= SURE_SIMILARITY]
        return self._accepted(question, found, places[0] if places else marked[0])

    def _accepted(self, question: _Question, found: Found, one: Scored) -> Decision:
        return Decision(
            "ok",
            one.candidate.point,
            self._precision(question, found, one.candidate),
            score=one.score,
            similarity=one.similarity,
            distance_m=one.distance_m,
            provider=found.provider,
            ref=one.candidate.ref,
            query=question.query,
        )

    def _set_aside(self, status: str, question: _Question, found: Found, one: Scored) -> Decision:
        return Decision(
            status,
            proposed=one.candidate.point,
            precision=self._precision(question, found, one.candidate),
            score=one.score,
            similarity=one.similarity,
            distance_m=one.distance_m,
            provider=found.provider,
            ref=one.candidate.ref,
            query=question.query,
            note=one.candidate.label[:200],
        )

    def _offer(self, question: _Question, found: Found, one: Scored) -> Offer:
        candidate, point = one.candidate, one.candidate.point
        return Offer(
            candidate.name,
            candidate.label[:200],
            round(point.lat, 6),
            round(point.lon, 6),
            self._precision(question, found, candidate),
            round(one.similarity, 3),
            None if one.distance_m is None else round(one.distance_m),
            found.provider,
            candidate.ref,
        )

    def _best_offers(self) -> tuple[Offer, ...]:
        """The best of all questions, each place once."""
        best: list[Offer] = []
        for offer in sorted(self._offers, key=lambda one: -one.similarity):
            here = Point(offer.lat, offer.lon)
            if all(here.distance_m(Point(one.lat, one.lon)) > _SAME_POINT_M for one in best):
                best.append(offer)
        return tuple(best[:_MOST_OFFERS])

    def _may_be(self, candidate: Candidate) -> bool:
        """Whether no person has refused it."""
        return all(candidate.point.distance_m(point) > _SAME_POINT_M for point in self._rejected)

    def _precision(self, question: _Question, found: Found, candidate: Candidate) -> str:
        """How much of the name the point stands for: never more than the candidate, the question and the name allow."""
        if question.is_area or found.provider == "gazetteer":
            return "area"
        if "landmark" in self._name.flags and candidate.precision in _FIRST_HAND:
            return "near"
        return candidate.precision
