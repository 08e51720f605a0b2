"""The life of one ticket, from the first call to the last correction, out of its number alone.

A ticket's draws come from a hash of (seed, dataset, number). So any ticket can be told again at any
time, in any process, without the ones before it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b
from math import exp
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, NamedTuple

from fleettickets.demo.nairobi import (
    NOISE_NAMES,
    OWNERS,
    Cluster,
    alarm_name,
    clusters_by_weight,
    location_names,
    teams,
)
from fleettickets.demo.plan import DAY_S, EAT_OFFSET_S

if TYPE_CHECKING:
    from fleettickets.demo.arrivals import Birth, Outage

HOUR_S: Final = 3600
DRAWS: Final = 65_536


class Status(NamedTuple):
    """The four columns in which the feed says how far a ticket is."""

    raw: str
    normalized: str
    bucket: str
    is_actionable: str = "true"


@dataclass(frozen=True, slots=True)
class Kind:
    """What sets the tickets of one dataset apart: words, durations, shares (of 65,536 draws)."""

    prefix: str
    source_type: str
    department: str
    services: tuple[str, ...]
    history_days: int
    durations_s: tuple[int, ...]
    new: Status
    path: tuple[Status, Status, Status]
    on_hold: Status
    alarms: int
    created_never: int
    team_never: int
    visit_agreed: bool
    has_outages: bool


class Step(NamedTuple):
    """One change of a ticket; `changed_s` is earlier than `at_s` where a row is exported unchanged."""

    at_s: int
    status: Status
    changed_s: int
    closed_s: int | None = None
    scheduled_s: int | None = None
    has_team: bool = True
    is_alarm: bool = False
    was_closed: bool = False


class Draws(NamedTuple):
    """A ticket's luck: each field evenly from 0 to 65,535."""

    alarm: int
    cluster: int
    location: int
    noise: int
    service: int
    team: int
    owner: int
    created: int
    crew: int
    auto: int
    duration: int
    stubborn: int
    night: int
    assigned: int
    accepted: int
    working: int
    hold: int
    notes: int
    ending: int
    after: int
    after_s: int
    again: int
    sla: int
    visit: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stays the same over the life of a ticket, and its steps in order of time."""

    number: int
    kind: Kind
    draws: Draws
    opened_s: int
    cluster: Cluster
    location_name: str
    steps: list[Step]


def ticket_of(kind: Kind, seed: str, birth: Birth) -> Ticket:
    """Tell the whole life of the ticket born."""
    draws = _draws(seed, birth.number)
    outage = birth.outage
    cluster = outage.cluster if outage else clusters_by_weight()[draws.cluster >> 6]
    if draws.alarm < kind.alarms and not outage:
        steps = _alarm_steps(draws, birth.at_s)
        return Ticket(birth.number, kind, draws, birth.at_s, cluster, alarm_name(cluster, draws.location), steps)
    closed_s = _restored_s(outage, draws) if outage else _closed_s(kind, draws, birth.at_s)
    steps = _steps(kind, draws, birth.at_s, closed_s)
    location_name = outage.location_name if outage else _location_name(cluster, draws)
    return Ticket(birth.number, kind, draws, birth.at_s, cluster, location_name, steps)


def crew_of(ticket: Ticket) -> str:
    """Name the team the ticket is given to; some never get one."""
    never = ALARMS_WITHOUT_TEAM if ticket.steps[0].is_alarm else ticket.kind.team_never
    return "" if ticket.draws.team < never else teams(ticket.cluster)[ticket.draws.crew & 3]


def owner_of(ticket: Ticket) -> str:
    """Name the person at the desk; one in twelve tickets has none."""
    owner = ticket.draws.owner
    return OWNERS[owner % len(OWNERS)] if owner >= DRAWS // 12 else ""


def created_known(ticket: Ticket, step: Step) -> bool:
    """Tell whether the row carries created_at_service: often only once the ticket is closed."""
    if step.is_alarm:
        return ticket.draws.created >= ALARMS_WITHOUT_CREATED
    waiting = not step.was_closed and ticket.draws.created < CREATED_ONLY_AT_CLOSING
    return not waiting and ticket.draws.created >= ticket.kind.created_never


def _draws(seed: str, number: int) -> Draws:
    digest = blake2b(f"{seed}:{number}".encode(), digest_size=48).digest()
    return Draws._make(_UNPACK(digest))


def _location_name(cluster: Cluster, draws: Draws) -> str:
    if draws.noise < NOISE:
        return NOISE_NAMES[draws.noise % len(NOISE_NAMES)]
    names = location_names(cluster)
    return names[draws.location % len(names)]


def _restored_s(outage: Outage, draws: Draws) -> int:
    return outage.restored_s + draws.duration % (2 * HOUR_S)


def _closed_s(kind: Kind, draws: Draws, opened_s: int) -> int:
    took_s = kind.durations_s[draws.duration >> 6] + draws.after % 300
    if draws.stubborn < STUBBORN:
        took_s = min(took_s * 4, kind.durations_s[-1])
    closed_s = opened_s + took_s
    into_day_s = (closed_s + EAT_OFFSET_S) % DAY_S
    if draws.night < CLOSED_AT_NIGHT or WORK_BEGINS_S <= into_day_s < WORK_ENDS_S:
        return closed_s
    until_morning_s = (WORK_BEGINS_S - into_day_s) % DAY_S
    return closed_s + until_morning_s + draws.night % (3 * HOUR_S)


def _alarm_steps(draws: Draws, raised_s: int) -> list[Step]:
    """Raise, clear and flap again, up to six times over some hours."""
    steps: list[Step] = []
    at_s = raised_s
    for flap in range(draws.again % 4 + 1):
        steps.append(Step(at_s, ALARM_RAISED, at_s, is_alarm=True))
        at_s += 900 + (draws.after_s >> flap) % (3 * HOUR_S)
        steps.append(Step(at_s, ALARM_CLEARED, at_s, at_s, is_alarm=True))
        at_s += HOUR_S + (draws.hold >> flap) % (6 * HOUR_S)
    return steps


def _steps(kind: Kind, draws: Draws, opened_s: int, closed_s: int) -> list[Step]:
    visit_s = _visit_s(draws, opened_s, closed_s) if kind.visit_agreed else None
    steps = _way_to_the_end(kind, draws, opened_s, closed_s, visit_s)
    if draws.ending < TURNED_ALARM:
        last = steps[-1]
        status = last.status if draws.again & 1 else ALARM_RAISED
        steps.append(Step(closed_s, status, closed_s, None, visit_s, last.has_team, is_alarm=True))
    elif draws.ending < CANCELLED:
        steps.append(Step(closed_s, CANCELLED_STATUS, closed_s, None, visit_s))
    else:
        closing = CLOSED_STATUSES[draws.ending & 15]
        steps.append(Step(closed_s, closing, closed_s, closed_s, visit_s, was_closed=True))
        steps += _aftermath(kind, draws, opened_s, steps[-1])
    return steps


def _way_to_the_end(kind: Kind, draws: Draws, opened_s: int, closed_s: int, visit_s: int | None) -> list[Step]:
    """Return the steps before the end: assigned, accepted, at work, perhaps on hold, perhaps a late note."""
    took_s = closed_s - opened_s
    assigned, accepted, working = kind.path

    def at(thousandth: int, spread: int, draw: int) -> int:
        return opened_s + took_s * (thousandth + draw * spread // DRAWS) // 1000

    first_s, second_s, third_s = (
        at(30, 90, draws.assigned),
        at(150, 200, draws.accepted),
        at(400, 300, draws.working),
    )
    steps = [
        Step(opened_s, kind.new, opened_s, None, visit_s, has_team=False),
        Step(first_s, assigned, first_s, None, visit_s),
        Step(second_s, accepted, second_s, None, visit_s),
        Step(third_s, working, third_s, None, visit_s),
    ]
    if draws.hold < ON_HOLD and took_s > HOLD_IF_LONGER_S:
        hold_s, resumed_s = at(705, 30, draws.accepted), at(835, 30, draws.assigned)
        steps.append(Step(hold_s, kind.on_hold, hold_s, None, visit_s))
        steps.append(Step(resumed_s, working, resumed_s, None, visit_s))
    if draws.notes < WITH_NOTES:
        note_s = at(880, 100, draws.notes)
        steps.append(Step(note_s, working, note_s, None, visit_s))
    return steps


def _visit_s(draws: Draws, opened_s: int, closed_s: int) -> int:
    """Set the agreed visit: on the hour, on the day of completion or up to two days off."""
    day_s = (closed_s + EAT_OFFSET_S) // DAY_S * DAY_S - EAT_OFFSET_S
    visit_s = day_s + (draws.visit % 5 - 2) * DAY_S + (8 + draws.visit // 5 % 9) * HOUR_S
    return visit_s if visit_s > opened_s else day_s + DAY_S + 9 * HOUR_S


def _aftermath(kind: Kind, draws: Draws, opened_s: int, closed: Step) -> list[Step]:
    """Tell what still happens to a closed ticket: the same row again, a corrected time, a reopening."""
    later_s = closed.at_s + HOUR_S + draws.after_s * 20 // 13  # up to 28 hours
    closed_s = closed.changed_s
    if draws.after < EXPORTED_AGAIN:
        return [closed._replace(at_s=later_s)]
    if draws.after < CORRECTED:
        corrected_s = max(opened_s, closed_s - 300 - draws.again % 2400)
        return [closed._replace(at_s=later_s, changed_s=later_s, closed_s=corrected_s)]
    if draws.after < REOPENED:
        reopened_s = closed_s + HOUR_S + draws.after_s * 7  # up to five days
        again_s = reopened_s + HOUR_S + draws.again * 3  # up to two days
        middle_s = (reopened_s + again_s) // 2
        return [
            closed._replace(at_s=reopened_s, status=REOPENED_STATUS, changed_s=reopened_s, closed_s=None),
            closed._replace(at_s=middle_s, status=kind.path[2], changed_s=middle_s, closed_s=None),
            closed._replace(at_s=again_s, changed_s=again_s, closed_s=again_s),
        ]
    return []


def _log_normal_s(median_h: float, sigma: float, longest_days: int) -> tuple[int, ...]:
    """Return 1,024 durations of equal probability, ascending."""
    normal = NormalDist()
    hours = (median_h * exp(sigma * normal.inv_cdf((step + 0.5) / 1024)) for step in range(1024))
    return tuple(min(max(int(each * HOUR_S), 900), longest_days * DAY_S) for each in hours)


def _share(fraction: float) -> int:
    return round(fraction * DRAWS)


_UNPACK: Final = struct.Struct("<24H").unpack

WORK_BEGINS_S: Final = 7 * HOUR_S
WORK_ENDS_S: Final = 21 * HOUR_S
HOLD_IF_LONGER_S: Final = 6 * HOUR_S
LONGEST_AFTER_CLOSING_S: Final = 10 * DAY_S

NOISE: Final = _share(0.025)
CREATED_ONLY_AT_CLOSING: Final = _share(0.76)
ALARMS_WITHOUT_CREATED: Final = _share(0.55)
ALARMS_WITHOUT_TEAM: Final = _share(0.62)
STUBBORN: Final = _share(0.05)
CLOSED_AT_NIGHT: Final = _share(0.25)
ON_HOLD: Final = _share(0.20)
WITH_NOTES: Final = _share(0.36)
TURNED_ALARM: Final = _share(0.012)
CANCELLED: Final = TURNED_ALARM + _share(0.02)
EXPORTED_AGAIN: Final = _share(0.06)
CORRECTED: Final = EXPORTED_AGAIN + _share(0.03)
REOPENED: Final = CORRECTED + _share(0.03)

ALARM_RAISED: Final = Status("Alarm Raised", "OPEN", "pending", "false")
ALARM_CLEARED: Final = Status("Alarm Cleared", "CLOSED COMPLETE", "closed", "false")
CANCELLED_STATUS: Final = Status("Cancelled by Customer", "CANCELLED", "cancelled", "false")
REOPENED_STATUS: Final = Status("Reopened", "REOPENED", "pending")
_COMPLETE = Status("Closed Complete", "CLOSED COMPLETE", "closed", "false")
_REMOTE = Status("Closed - Resolved Remotely", "CLOSED COMPLETE", "closed", "false")
_INCOMPLETE = Status("Closed Incomplete", "CLOSED INCOMPLETE", "closed", "false")
CLOSED_STATUSES: Final = (*(_COMPLETE,) * 11, *(_REMOTE,) * 4, _INCOMPLETE)

_AT_WORK = Status("Work In Progress", "WORK IN PROGRESS", "pending")
_ACCEPTED = Status("Accepted by Field", "ACCEPTED", "pending")

KINDS: Final = {
    "inc": Kind(
        prefix="INC",
        source_type="incident",
        department="Field Operations",
        services=("FTTH", "FTTH", "FTTH", "FTTH", "FTTB", "Wireless"),
        history_days=53,
        durations_s=_log_normal_s(9.0, 1.15, 25),
        new=Status("New", "OPEN", "pending"),
        path=(Status("Assigned", "ASSIGNED", "pending"), _ACCEPTED, _AT_WORK),
        on_hold=Status("Awaiting Customer", "ON HOLD", "onhold", "false"),
        alarms=_share(1 / 3),
        created_never=_share(0.15),
        team_never=_share(0.185),
        visit_agreed=False,
        has_outages=True,
    ),
    "crq": Kind(
        prefix="CRQ",
        source_type="change_request",
        department="Service Delivery",
        services=("FTTH Installation", "FTTH Installation", "FTTB Installation", "Relocation", "Upgrade"),
        history_days=120,
        durations_s=_log_normal_s(30.0, 0.9, 45),
        new=Status("Requested", "OPEN", "pending"),
        path=(Status("Visit Scheduled", "SCHEDULED", "pending"), _ACCEPTED, _AT_WORK),
        on_hold=Status("Awaiting Wayleave", "ON HOLD", "onhold", "false"),
        alarms=_share(0.10),
        created_never=_share(0.26),
        team_never=_share(0.31),
        visit_agreed=True,
        has_outages=False,
    ),
}
