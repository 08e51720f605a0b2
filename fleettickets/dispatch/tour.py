"""One vehicle's stops while a plan is made: when each begins, how late it may begin, what one more would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets.dispatch.model import FOREVER_S, Route, Stop, Tier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleettickets.dispatch.problem import Problem


class Tour:
    """The stops of one vehicle. A stop that is promised in time stays in time whatever is inserted."""

    __slots__ = ("_begin", "_latest", "_room_s", "fixed", "order", "problem", "promised", "vehicle")

    def __init__(self, problem: Problem, vehicle: int, order: Iterable[int] = (), fixed: int = 0) -> None:
        self.problem = problem
        self.vehicle = vehicle
        self.order = list(order)
        self.fixed = fixed
        """How many of the first stops may not be moved."""
        self.promised: set[int] = set()
        self._begin: list[int] = []
        self._latest: list[int] = []
        self._room_s = 0
        self.settle()

    def settle(self) -> None:
        """Work out when each stop begins, which are in time (promised from now on), and how late each may begin."""
        problem, travel = self.problem, self.problem.travel
        vehicle = problem.vehicles[self.vehicle]
        place, clock = problem.start(self.vehicle), max(vehicle.shift_start_s, 0)
        begins = []
        for job in self.order:
            begin = max(clock + travel.seconds(place, job), problem.jobs[job].earliest_s)
            begins.append(begin)
            place, clock = job, begin + problem.jobs[job].service_s
        self._begin = begins
        self.promised = {
            job
            for job, begin in zip(self.order, begins, strict=True)
            if problem.tier[job] is Tier.SAVE and begin + problem.jobs[job].service_s <= problem.finish_by(job)
        }
        self._latest = self._latest_begins(vehicle.shift_end_s)
        self._room_s = self._room(vehicle.shift_end_s)

    def _latest_begins(self, limit: int) -> list[int]:
        problem, travel = self.problem, self.problem.travel
        after = problem.end(self.vehicle)
        latest = []
        for job in reversed(self.order):
            finish = limit if after is None else limit - travel.seconds(job, after)
            if job in self.promised:
                finish = min(finish, problem.finish_by(job))
            limit = finish - problem.jobs[job].service_s
            after = job
            latest.append(limit)
        latest.reverse()
        return latest

    def _room(self, shift_end_s: int) -> int:
        """The longest time any one more stop could take, driving included: spares most of the looking."""
        limits = [*self._latest, shift_end_s][self.fixed :]
        ends = [begin + self.problem.jobs[job].service_s for job, begin in zip(self.order, self._begin, strict=True)]
        frees = [self.free_s(), *ends[self.fixed :]]
        return max(limit - free for limit, free in zip(limits, frees, strict=True))

    def free_s(self) -> int:
        """When the vehicle has done what may not be moved."""
        if not self.fixed:
            return max(self.problem.vehicles[self.vehicle].shift_start_s, 0)
        return self._begin[self.fixed - 1] + self.problem.jobs[self.order[self.fixed - 1]].service_s

    @property
    def is_full(self) -> bool:
        """Whether its vehicle takes no further job by number."""
        capacity = self.problem.vehicles[self.vehicle].capacity
        return capacity is not None and len(self.order) >= capacity

    @property
    def is_over(self) -> bool:
        """Whether it ends after the shift or holds more than the vehicle takes."""
        vehicle = self.problem.vehicles[self.vehicle]
        too_many = vehicle.capacity is not None and len(self.order) > vehicle.capacity
        return too_many or self._end_s() > vehicle.shift_end_s

    def cheapest(  # noqa: C901  # the innermost loop: a call a position would double the planner's time
        self, job: int, finish_by: int = FOREVER_S
    ) -> tuple[int, int] | None:
        """(extra driving in seconds, position) of the cheapest way to take the job, or None.

        Nothing that is promised becomes late, the shift holds, and the job is finished by `finish_by`.
        """
        problem = self.problem
        if problem.jobs[job].service_s > self._room_s or self.vehicle not in problem.able[job] or self.is_full:
            return None
        seconds = problem.travel.seconds
        order, begins, latest = self.order, self._begin, self._latest
        service, earliest = problem.jobs[job].service_s, problem.jobs[job].earliest_s
        vehicle = problem.vehicles[self.vehicle]
        end = problem.end(self.vehicle)
        best: tuple[int, int] | None = None
        for position in range(self.fixed, len(order) + 1):
            if position:
                place = order[position - 1]
                clock = begins[position - 1] + problem.jobs[place].service_s
            else:
                place, clock = problem.start(self.vehicle), max(vehicle.shift_start_s, 0)
            there = seconds(place, job)
            finish = max(clock + there, earliest) + service
            if finish > finish_by:
                continue
            if position < len(order):
                after = order[position]
                back = seconds(job, after)
                if finish + back > latest[position]:
                    continue
                extra = there + back - seconds(place, after)
            elif end is None:
                if finish > vehicle.shift_end_s:
                    continue
                extra = there
            else:
                back = seconds(job, end)
                if finish + back > vehicle.shift_end_s:
                    continue
                extra = there + back - seconds(place, end)
            if best is None or extra < best[0]:
                best = extra, position
        return best

    def insert(self, job: int, position: int) -> None:
        """Take the job at this position."""
        self.order.insert(position, job)
        self.settle()

    def remove(self, job: int) -> None:
        """Drop the job."""
        self.order.remove(job)
        self.settle()

    def _end_s(self) -> int:
        if not self.order:
            return max(self.problem.vehicles[self.vehicle].shift_start_s, 0)
        last, end = self.order[-1], self.problem.end(self.vehicle)
        finish = self._begin[-1] + self.problem.jobs[last].service_s
        return finish if end is None else finish + self.problem.travel.seconds(last, end)

    def driving_m(self) -> int:
        """The whole way, to the end if there is one."""
        end = self.problem.end(self.vehicle)
        places = [self.problem.start(self.vehicle), *self.order]
        if end is not None and self.order:
            places.append(end)
        return sum(map(self.problem.travel.metres, places[:-1], places[1:]))

    def route(self) -> Route:
        """The stops with their times, as a plan shows them."""
        problem, travel = self.problem, self.problem.travel
        vehicle = problem.vehicles[self.vehicle]
        place, clock = problem.start(self.vehicle), max(vehicle.shift_start_s, 0)
        stops = []
        for number, begin in zip(self.order, self._begin, strict=True):
            job = problem.jobs[number]
            finish = begin + job.service_s
            travel_m = travel.metres(place, number)
            stops.append(
                Stop(
                    job.ticket_id,
                    clock + travel.seconds(place, number),
                    begin,
                    finish,
                    travel_m,
                    None if job.due_s is None else finish <= job.due_s,
                    None if job.due_s is None else job.due_s - finish,
                )
            )
            place, clock = number, finish
        return Route(vehicle.vehicle_id, tuple(stops), self.driving_m(), self._end_s())
