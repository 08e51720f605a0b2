"""What every provider's adapter shares: its name, its terms, its way to answer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fleettickets.geocode.places import Answer, Box, Candidate, Outcome, Point

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from fleettickets.geocode.http import Client
    from fleettickets.outbound import Reply

MOST_CANDIDATES: Final = 10
_BROADEST_M: Final = 60_000
_LONGEST_MESSAGE: Final = 200


class Provider(ABC):
    """One source of answers; an adapter knows its address, its parameters and its words for failure."""

    name: ClassVar[str]
    free_daily_limit: ClassVar[int | None] = None
    """Requests a UTC day of the free plan; None where nobody counts."""
    free_pause_s: ClassVar[float] = 0.0
    """Seconds between two requests the provider's own address asks for."""
    free_answers_keep: ClassVar[timedelta | None] = None
    """How long the free plan allows an answer to be kept; None: for ever."""
    is_metered: ClassVar[bool] = True
    """Whether a question is a request somebody counts."""
    says_balance: ClassVar[bool] = False
    """Whether it tells, free of charge, how many requests are left."""

    def __init__(self, client: Client | None = None, key: str = "") -> None:
        self._client = client
        self._key = key

    @abstractmethod
    def search(self, query: str, box: Box) -> Answer:
        """What the provider knows of the query inside the box."""

    def balance(self) -> int | None:
        """Requests left today as the provider counts them; None when it does not say."""
        return None

    def close(self) -> None:
        """Give connections back."""
        if self._client:
            self._client.close()

    @property
    def client(self) -> Client:
        """The HTTP client of a provider that is asked over the network."""
        if self._client is None:
            raise TypeError(f"{self.name} is not asked over the network")
        return self._client

    def answered(self, reply: Reply, candidates: Iterable[Candidate]) -> Answer:
        """A reply that holds (or lacks) places."""
        found = tuple(candidates)
        return Answer(Outcome.OK if found else Outcome.EMPTY, found, reply.status)

    def failed(self, reply: Reply, text: str = "") -> Answer:
        """A reply that is no answer: what its status means when the provider's own words say no more."""
        message = (text or reply.problem or f"HTTP {reply.status}")[:_LONGEST_MESSAGE]
        if self._key:
            message = message.replace(self._key, "********")
        outcome = Outcome.AWAY
        if reply.status in {401, 403}:
            outcome = Outcome.REFUSED
        elif reply.status in {402, 429}:
            outcome = Outcome.LIMITED
        elif reply.status in {400, 414, 422}:
            outcome = Outcome.INVALID
        window = _window(reply.status, text) if outcome is Outcome.LIMITED else None
        return Answer(outcome, http=reply.status, message=message, window=window)


def _window(status: int | None, text: str) -> str:
    """Which of the provider's windows is full: only the words of the refusal tell."""
    lowered = text.lower()
    if status == 402 or "day" in lowered or "quota" in lowered or "daily" in lowered:  # noqa: PLR2004  # payment required
        return "day"
    return "minute" if "minute" in lowered else "second"


def point_of(lat: Any, lon: Any) -> Point | None:  # noqa: ANN401  # whatever JSON held
    """A point, if the two are degrees."""
    if isinstance(lat, bool) or isinstance(lon, bool):
        return None
    try:
        point = Point(float(lat), float(lon))
    except (TypeError, ValueError):
        return None
    is_on_earth = abs(point.lat) <= 90 and abs(point.lon) <= 180  # noqa: PLR2004  # degrees
    return point if is_on_earth and (point.lat, point.lon) != (0.0, 0.0) else None


def is_too_broad(south: Any, north: Any, west: Any, east: Any) -> bool:  # noqa: ANN401  # whatever JSON held
    """Whether a bounding box is that of a county or a country: its centre is nobody's place."""
    low, high = point_of(south, west), point_of(north, east)
    if low is None or high is None or math.isnan(low.lat + low.lon + high.lat + high.lon):
        return False
    return low.distance_m(high) > _BROADEST_M


def text_of(value: Any) -> str:  # noqa: ANN401  # whatever JSON held
    """The text, or an empty one."""
    return value.strip() if isinstance(value, str) else ""


def head_of(label: str) -> str:
    """The first part of 'Mirema Drive, Roysambu, Nairobi, Kenya'."""
    return label.partition(",")[0].strip()
