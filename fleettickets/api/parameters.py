"""What a request may ask: query parameters as models, so that validation and OpenAPI are one."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fleettickets.datasets import EAT

PROPERTIES: Final = (
    "ticket_id", "dataset", "status", "raw_status", "bucket", "cluster", "region", "location_name", "assigned_team",
    "owner", "opened_at", "scheduled_at", "closed_at", "sla_at_risk_at", "sla_due_at", "age_bound", "geo_source",
    "geo_precision", "geo_verified", "sla_state", "hours_open",
)  # fmt: skip
SLA_STATES: Final = ("breached", "at_risk", "on_track", "unknown", "none")
GEO_SOURCES: Final = ("feed", "location", "cluster", "none")
MOST_FEATURES: Final = 50_000
_MOST_TEXT: Final = 200


def _instant(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=EAT)


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def _dataset(text: str) -> str:
    name = text.strip().lower()
    if name not in {"", "inc", "crq"}:
        raise ValueError("is inc or crq")
    return name


def _of(known: tuple[str, ...]) -> AfterValidator:
    def check(text: str) -> str:
        for name in split(text):
            if name not in known:
                raise ValueError(f"takes {', '.join(known)}; not {name!r}")
        return text

    return AfterValidator(check)


def _bbox(text: str) -> str:
    box(text)
    return text


NO_NUL: Final = AfterValidator(_text)
Text = Annotated[str, Field(max_length=_MOST_TEXT), NO_NUL]
Dataset = Annotated[str, Field(max_length=20, description="inc or crq; empty: both"), AfterValidator(_dataset)]
Instant = Annotated[
    datetime,
    Field(description="ISO 8601; without an offset it is East Africa Time"),
    AfterValidator(_instant),
]
Box = Annotated[
    str,
    Field(max_length=_MOST_TEXT, description="west,south,east,north in degrees"),
    AfterValidator(_bbox),
]
Several = Annotated[list[Text], Field(max_length=50)]


class Query(BaseModel):
    """A query string; a name that is not in it is an error."""

    model_config = ConfigDict(extra="forbid")


class TicketQuery(Query):
    """Which open tickets."""

    dataset: Dataset = ""
    cluster: Several = []
    region: Several = []
    status: Several = []
    team: Several = []
    owner: Several = []
    sla: Annotated[str, Field(max_length=_MOST_TEXT), _of(SLA_STATES)] = ""
    geo_source: Annotated[str, Field(max_length=_MOST_TEXT), _of(GEO_SOURCES)] = ""
    q: Annotated[str, Field(max_length=100), AfterValidator(_text)] = ""
    bbox: Box | None = None
    opened_after: Instant | None = None
    now: Instant | None = None
    mode: Literal["known", "happened"] = "known"

    @property
    def selects(self) -> bool:
        """Whether it leaves anything out."""
        return any(
            getattr(self, name) not in ("", None, [])
            for name in TicketQuery.model_fields
            if name not in {"now", "mode"}
        )


class MapQuery(TicketQuery):
    """What of the map."""

    actionable: Literal["true", "false", "all"] = "true"
    fields: Annotated[str, Field(max_length=500), _of(PROPERTIES)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_FEATURES)] | None = None
    cursor: Annotated[str, Field(max_length=1000)] = ""
    since: Annotated[int, Field(ge=0, le=2**62)] | None = None


def split(text: str) -> tuple[str, ...]:
    """The names in a comma list."""
    return tuple(name for name in (part.strip().lower() for part in text.split(",")) if name)


def box(text: str) -> tuple[float, float, float, float]:
    """West, south, east, north; a ValueError says what is wrong."""
    parts = text.split(",")
    if len(parts) != 4:  # noqa: PLR2004  # a box has four sides
        raise ValueError("needs four numbers: west,south,east,north")
    west, south, east, north = (float(part) for part in parts)
    if not all(math.isfinite(side) for side in (west, south, east, north)):
        raise ValueError("needs finite numbers")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90):  # noqa: PLR2004  # degrees
        raise ValueError("is in degrees: longitude -180 to 180, latitude -90 to 90")
    if west >= east or south >= north:
        raise ValueError("has west before east and south before north; a box across the date line is two boxes")
    return west, south, east, north
