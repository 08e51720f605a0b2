"""The planner's promises, on random days: every stop possible, every reason true, nothing moved without a word."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from fleet import HOUR_S, day
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets.dispatch import audit
from fleettickets.dispatch.changes import difference, insert_urgent, keep_up, reoptimise
from fleettickets.dispatch.habit import nearest_first
from fleettickets.dispatch.margin import margins_s
from fleettickets.dispatch.model import Instance, Job, Plan, Policy, Reason, Stop, Tier, Unassigned, Vehicle
from fleettickets.dispatch.planner import plan
from fleettickets.dispatch.problem import problem_of
from fleettickets.dispatch.search import Search
from fleettickets.dispatch.selection import select
from fleettickets.errors import UsageError

LATITUDES = st.floats(-1.45, -1.10)
LONGITUDES = st.floats(36.6, 37.1)
SKILLS = st.frozensets(st.sampled_from(["splice", "climb"]), max_size=1)


@st.composite
def jobs(draw: st.DrawFn, number: int) -> Job:
    located = draw(st.booleans()) or draw(st.booleans())
    return Job(
        f"T{number}",
        draw(LATITUDES) if located else None,
        draw(LONGITUDES) if located else None,
        service_s=draw(st.integers(0, 3 * HOUR_S)),
        due_s=draw(st.none() | st.integers(-50 * HOUR_S, 50 * HOUR_S)),
        earliest_s=draw(st.just(0) | st.integers(0, 6 * HOUR_S)),
        p_still_open=draw(st.sampled_from([1.0, 0.5, 0.05])),
        skills=draw(SKILLS),
        is_coarse=draw(st.booleans()),
    )


@st.composite
def vehicles(draw: st.DrawFn, number: int) -> Vehicle:
    located, begins = draw(st.booleans()) or draw(st.booleans()), draw(st.integers(-2 * HOUR_S, 4 * HOUR_S))
    home = draw(st.booleans())
    return Vehicle(
        f"V{number}",
        draw(LATITUDES) if located else None,
        draw(LONGITUDES) if located else None,
        begins,
        begins + draw(st.integers(0, 9 * HOUR_S)),
        end_lat=draw(LATITUDES) if home else None,
        end_lon=draw(LONGITUDES) if home else None,
        skills=draw(st.sampled_from([frozenset(), frozenset({"splice"}), frozenset({"splice", "climb"})])),
        capacity=draw(st.none() | st.integers(0, 4)),
        is_stale=draw(st.booleans()) and draw(st.booleans()),
    )


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """A day in which anything may be odd; some crews are committed to a ticket or two."""
    tickets = [draw(jobs(number)) for number in range(draw(st.integers(0, 14)))]
    crews = [draw(vehicles(number)) for number in range(draw(st.integers(0, 4)))]
    free = [job.ticket_id for job in tickets if job.lat is not None]
    for number, crew in enumerate(crews):
        if crew.lat is not None and not crew.is_stale and free and draw(st.booleans()):
            crews[number] = replace(crew, committed=(free.pop(),))
    return Instance(tuple(tickets), tuple(crews), Policy(allows_coarse=draw(st.booleans())))


@settings(max_examples=300, deadline=None)
@given(instances())
def test_every_plan_can_be_driven_and_accounts_for_every_ticket(instance: Instance) -> None:
    """An audit that shares no code with the planner finds nothing."""
    assert audit.faults(instance, plan(instance)) == []


@settings(max_examples=200, deadline=None)
@given(instances())
def test_every_reason_is_true(instance: Instance) -> None:
    """Each unassigned ticket is tried again under the circumstances its reason speaks of."""
    made = plan(instance)
    by_id = {job.ticket_id: job for job in instance.jobs}
    for left in made.unassigned:
        job = by_id[left.ticket_id]
        assert _is_true(instance, made, job, left), left


def _is_true(instance: Instance, made: Plan, job: Job, left: Unassigned) -> bool:
    usable = [one for one in instance.vehicles if one.lat is not None and not one.is_stale]
    able = [one for one in instance.vehicles if job.skills <= one.skills]
    if left.reason is Reason.NO_LOCATION:
        return job.lat is None
    if left.reason is Reason.COARSE_LOCATION:
        return job.is_coarse and not instance.policy.allows_coarse
    if left.reason is Reason.SKILL:
        return not able
    if left.reason is Reason.STALE_VEHICLE:
        return bool(able) and not any(one in usable for one in able)
    alone = _alone(instance, job)
    if left.reason is Reason.SHIFT_FULL:
        return job.ticket_id not in alone.assigned
    if left.reason is Reason.DEADLINE_UNREACHABLE:
        return not any(stop.is_on_time for stop in _stops(alone) if stop.ticket_id == job.ticket_id)
    without = set(left.by)
    return _worth(instance, made, without) >= _worth(instance, alone, {job.ticket_id})


def _alone(instance: Instance, job: Job) -> Plan:
    """The plan as if there were nothing but what crews are committed to and this ticket."""
    committed = {ticket for one in instance.vehicles for ticket in one.committed}
    kept = tuple(one for one in instance.jobs if one.ticket_id in committed or one is job)
    return plan(replace(instance, jobs=kept))


def _stops(made: Plan) -> list[Stop]:
    return [stop for route in made.routes for stop in route.stops]


def _worth(instance: Instance, made: Plan, tickets: set[str]) -> float:
    kept = tuple(
        replace(route, stops=tuple(stop for stop in route.stops if stop.ticket_id in tickets)) for route in made.routes
    )
    return audit.score(instance, replace(made, routes=kept)).worth


@pytest.mark.parametrize(("n_vehicles", "n_jobs"), [(6, 40), (10, 200), (20, 1000)])
def test_search_keeps_every_save_and_drives_less(n_vehicles: int, n_jobs: int) -> None:
    """What is saved first stays the first tier."""
    instance = day(n_vehicles, n_jobs, seed=n_jobs)
    inserted, searched = plan(instance), plan(instance, improve=Search(iterations=300))
    before, after = audit.score(instance, inserted), audit.score(instance, searched)
    assert audit.faults(instance, searched) == []
    assert after.saved >= before.saved
    assert after.worth >= before.worth
    assert (after.worth, -after.distance_m) > (before.worth, -before.distance_m)


def test_a_save_that_insertion_leaves_late_may_still_come_in_time() -> None:
    """The search knows what a late save would be worth in time, and makes room for it."""
    instance = day(6, 60, seed=2)
    before, after = plan(instance), plan(instance, improve=Search(iterations=300))
    assert audit.score(instance, after).saved > audit.score(instance, before).saved
    assert audit.faults(instance, after) == []


def test_every_save_is_a_candidate_however_little_the_shifts_hold() -> None:
    instance = day(2, 200, seed=1)
    problem = problem_of(instance.jobs, instance.vehicles, instance.policy, None)
    chosen, _ = select(problem)
    saves = {job for job in range(len(problem.jobs)) if problem.tier[job] is Tier.SAVE}
    assert saves <= set(chosen)
    assert len(chosen) < len(problem.jobs)


def test_the_same_day_gives_the_same_plan() -> None:
    instance = day(10, 120, seed=3)
    assert plan(instance, improve=Search(iterations=100)) == plan(instance, improve=Search(iterations=100))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_an_urgent_ticket_moves_nothing(seed: int) -> None:
    """Every crew keeps its stops in their order, and what was in time stays in time."""
    instance = day(6, 40, seed)
    urgent = Job("URGENT", -1.28, 36.82, 45 * 60, due_s=3 * HOUR_S)
    before = plan(instance)
    after = insert_urgent(replace(instance, jobs=(*instance.jobs, urgent)), before, "URGENT")
    if isinstance(after, Unassigned):
        assert after.best_vehicle is not None
        return
    change = difference(before, after)
    assert (change.added, change.removed, change.moved, change.reordered) == (("URGENT",), (), (), ())
    assert change.on_time >= 0
    assert audit.faults(replace(instance, jobs=(*instance.jobs, urgent)), after) == []


def test_an_urgent_ticket_that_is_on_a_route_already_is_refused() -> None:
    instance = day(2, 5, seed=1)
    with pytest.raises(UsageError, match="already on the route"):
        insert_urgent(instance, plan(instance), "INC-0001")


def test_tickets_that_close_leave_and_new_ones_fill_the_gaps() -> None:
    """Nothing changes its crew; what else left had to give way to something worth more."""
    instance = day(8, 60, seed=5)
    before = plan(instance)
    closed = set(sorted(before.assigned)[:5])
    new = tuple(replace(job, ticket_id=f"NEW-{job.ticket_id}") for job in day(1, 6, seed=6).jobs)
    later = replace(instance, jobs=(*(job for job in instance.jobs if job.ticket_id not in closed), *new))
    after = keep_up(later, before)
    change = difference(before, after)
    assert audit.faults(later, after) == []
    assert change.moved == ()
    assert closed <= set(change.removed)
    gave_way = {left.ticket_id for left in after.unassigned if left.reason is Reason.OUTRANKED}
    assert set(change.removed) - closed <= gave_way
    assert set(change.added) >= {ticket.ticket_id for ticket in new} - gave_way


def test_a_bounded_improvement_says_how_many_it_would_move_and_moves_none_beyond_the_bound() -> None:
    instance = day(10, 100, seed=8)
    before = plan(instance)
    search = Search(iterations=200)
    kept, would_move, _ = reoptimise(instance, before, 0, improve=search)
    moved, did_move, _ = reoptimise(instance, before, would_move, improve=search)
    assert would_move == did_move > 0
    assert difference(before, kept).moved == ()
    assert len(difference(before, moved).moved) == would_move


def test_a_committed_ticket_stays_first_whatever_it_costs() -> None:
    """Also when it is late, coarse, or beyond the end of the shift."""
    far = Job("FAR", -1.9, 37.6, 5 * HOUR_S, due_s=-HOUR_S, is_coarse=True)
    near = Job("NEAR", -1.28, 36.82, HOUR_S, due_s=2 * HOUR_S)
    crew = Vehicle("V", -1.28, 36.82, 0, 4 * HOUR_S, committed=("FAR",))
    made = plan(Instance((far, near), (crew,), Policy(allows_coarse=False)), improve=Search(iterations=50))
    assert made.orders == {"V": ("FAR",)}
    assert [(left.ticket_id, left.reason) for left in made.unassigned] == [("NEAR", Reason.DEADLINE_UNREACHABLE)]


def test_a_pinned_ticket_goes_to_its_crew_or_to_nobody() -> None:
    job = Job("T", -1.28, 36.82, HOUR_S, pinned_to="B")
    crews = (Vehicle("A", -1.28, 36.82, 0, 8 * HOUR_S), Vehicle("B", -1.40, 37.05, 0, 8 * HOUR_S))
    assert plan(Instance((job,), crews), improve=Search(iterations=20)).assigned == {"T": "B"}
    assert plan(Instance((job,), crews[:1])).unassigned[0].reason is Reason.SKILL


def test_a_save_outranks_any_routine_work_that_stands_in_its_way() -> None:
    """One crew, time for one: the deadline wins, and the routine ticket is told so."""
    crew = Vehicle("V", -1.28, 36.82, 0, 2 * HOUR_S)
    save = Job("SAVE", -1.33, 36.90, HOUR_S, due_s=2 * HOUR_S)
    routine = Job("ROUTINE", -1.28, 36.82, HOUR_S, due_s=40 * HOUR_S)
    made = plan(Instance((routine, save), (crew,)))
    assert made.assigned == {"SAVE": "V"}
    assert made.unassigned == (Unassigned("ROUTINE", Reason.OUTRANKED, ("SAVE",), "V", made.unassigned[0].price_m),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: replace(one, jobs=one.jobs + one.jobs[:1]), "given twice"),
        (lambda one: replace(one, vehicles=one.vehicles + one.vehicles[:1]), "given twice"),
        (lambda one: replace(one, vehicles=(replace(one.vehicles[0], committed=("GONE",)),)), "not among the jobs"),
        (lambda one: replace(one, vehicles=(replace(one.vehicles[0], shift_end_s=-1),)), "ends before it begins"),
    ],
)
def test_an_instance_that_contradicts_itself_is_refused(change: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(change(day(2, 3, seed=1)))  # type: ignore[operator]  # a lambda of the table above


def test_nobody_to_send_and_nothing_to_do_are_plans_too() -> None:
    nobody = plan(Instance(day(1, 3, seed=1).jobs, ()))
    assert {left.reason for left in nobody.unassigned} == {Reason.SKILL}
    assert plan(Instance((), day(2, 1, seed=1).vehicles), improve=Search(iterations=5)).assigned == {}


def test_tiers_follow_the_deadline() -> None:
    """A deadline before the next shift is a save, one behind us is late, any other can wait."""
    due = {-1: Tier.LATE, 0: Tier.LATE, 1: Tier.SAVE, 24 * HOUR_S: Tier.SAVE, 24 * HOUR_S + 1: Tier.ROUTINE}
    found = {seconds: Job("T", 0, 0, 0, due_s=seconds).tier(24 * HOUR_S) for seconds in due}
    assert found == due
    assert Job("T", 0, 0, 0).tier(24 * HOUR_S) is Tier.ROUTINE


def test_random_days_of_every_size_pass_the_audit() -> None:
    chance = random.Random(4)
    for seed in range(12):
        instance = day(chance.randint(1, 15), chance.randint(1, 150), seed)
        assert audit.faults(instance, plan(instance)) == []


@given(instances())
def test_the_habit_can_be_driven_too(instance: Instance) -> None:
    """What plans are compared with keeps shifts, skills and capacity, and knows no locks."""
    free = replace(
        instance,
        jobs=tuple(replace(job, pinned_to=None) for job in instance.jobs),
        vehicles=tuple(replace(vehicle, committed=()) for vehicle in instance.vehicles),
    )
    made = nearest_first(instance)
    assert [fault for fault in audit.faults(free, made) if "neither on a route" not in fault] == []


@given(instances())
def test_an_arrival_is_never_surer_than_the_one_before(instance: Instance) -> None:
    """Along a route what is not known adds up; a road that was looked at is surer than a straight line."""
    jobs = {job.ticket_id: replace(job, is_coarse=False) for job in instance.jobs}
    vehicles = {vehicle.vehicle_id: vehicle for vehicle in instance.vehicles}
    for route in plan(instance).routes:
        by_line, by_road = (
            margins_s(route, vehicles[route.vehicle_id], jobs, instance.policy, source)
            for source in ("straight line x 1.35", "osrm")
        )
        assert by_line == sorted(by_line)
        assert all(road <= line for road, line in zip(by_road, by_line, strict=True))
