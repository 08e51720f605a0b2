"""One plan's world: its tickets at the baseline, and what changes afterwards, in order of time."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeAlias

from fleettickets.demo.arrivals import Arrivals, Birth, Period
from fleettickets.demo.plan import DAY_S, Plan, Rhythm
from fleettickets.demo.tickets import KINDS, LONGEST_AFTER_CLOSING_S, Step, Ticket, ticket_of

if TYPE_CHECKING:
    from collections.abc import Iterator

News: TypeAlias = tuple[Ticket, Step]
"""A ticket, and the step that an export has to tell."""


class Story:
    """The tickets of a plan; every answer is computed from the plan, nothing is remembered."""

    def __init__(self, plan: Plan) -> None:
        self.rhythm = Rhythm(plan.baseline_s, plan.every_s, plan.seed)
        self.baseline_s = self.rhythm.content_until(plan.baseline_s)
        self.end_s = self.rhythm.content_until(plan.newest_s)
        self.kind = KINDS[plan.dataset.name]
        self._rows = plan.rows
        self._seed = f"{plan.seed}:{plan.dataset.name}"
        self._arrivals = Arrivals(
            Period(
                rows=plan.rows,
                history_days=self.kind.history_days,
                start_s=self.baseline_s,
                end_s=self.end_s,
                seed=self._seed,
                has_outages=self.kind.has_outages,
            )
        )

    def at_baseline(self) -> Iterator[News]:
        """Yield each ticket that the baseline knows, with its newest step by then, in order of birth."""
        for birth in self.births_since(self.baseline_s - self.kind.history_days * DAY_S):
            if birth.number >= self._rows:
                return
            ticket = self.ticket(birth)
            yield ticket, _newest(ticket, self.baseline_s)

    def births_since(self, instant_s: int) -> Iterator[Birth]:
        """Yield births from the hour of the instant on; endless."""
        return self._arrivals.since(instant_s)

    def ticket(self, birth: Birth) -> Ticket:
        """Tell the whole life of the ticket born, its future included."""
        return ticket_of(self.kind, self._seed, birth)


class Changes:
    """What changes in a story after an instant; asked for in ascending stretches.

    In memory are the tickets whose life goes on: open ones, and closed ones that something will still
    happen to. Their number follows the arrivals of some days, not the size of the history.
    """

    def __init__(self, story: Story, known_s: int) -> None:
        self._story = story
        self._known_s = known_s
        longest_life_s = story.kind.durations_s[-1] + LONGEST_AFTER_CLOSING_S
        self._births = story.births_since(known_s - longest_life_s)
        self._next_birth = next(self._births)
        self._waiting: list[tuple[int, int, int, Ticket]] = []

    def until(self, content_s: int) -> list[News]:
        """Return the tickets changed since the last call, each once, at its newest step."""
        self._admit_births(content_s)
        newest: dict[int, News] = {}
        while self._waiting and self._waiting[0][0] <= content_s:
            _, number, index, ticket = self._waiting[0]
            newest[number] = ticket, ticket.steps[index]
            if index + 1 < len(ticket.steps):
                following = (ticket.steps[index + 1].at_s, number, index + 1, ticket)
                heapq.heapreplace(self._waiting, following)
            else:
                heapq.heappop(self._waiting)
        return [newest[number] for number in sorted(newest)]

    def _admit_births(self, content_s: int) -> None:
        while self._next_birth.at_s <= content_s:
            ticket = self._story.ticket(self._next_birth)
            for index, step in enumerate(ticket.steps):
                if step.at_s > self._known_s:
                    heapq.heappush(self._waiting, (step.at_s, ticket.number, index, ticket))
                    break
            self._next_birth = next(self._births)


def _newest(ticket: Ticket, instant_s: int) -> Step:
    return next(step for step in reversed(ticket.steps) if step.at_s <= instant_s)
