"""The simulated feed keeps the real feed's format and rules, and is the same for every reader."""

import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleettickets.datasets import CRQ, EAT, FEED_COLUMNS, INC
from fleettickets.demo.export import ExportFile, Plan, count, files, live, upload, write_folder
from fleettickets.demo.nairobi import CLUSTERS, CREWS, clusters_by_weight
from fleettickets.demo.plan import Rhythm
from fleettickets.demo.story import Changes, Story
from fleettickets.errors import UsageError

END = datetime(2026, 6, 25, 12, 30, tzinfo=EAT)
ROOT = Path(__file__).parents[2]
LINE = re.compile(r'"(?:[^"]|"")*"(?:,"(?:[^"]|"")*"){31}')
TIMES = ("created_at_service", "closed_at")

Row = dict[str, str]


def body(file: ExportFile) -> bytes:
    return b"".join(file.chunks())


def rows_of(file: ExportFile) -> list[Row]:
    rows = csv.DictReader(io.StringIO(body(file).decode()))
    return [row for row in rows if not row["ticket_id"].startswith("EXPORT STOPPED")]


def share(rows: list[Row], column: str, value: str) -> float:
    return sum(row[column] == value for row in rows) / len(rows)


def fingerprint(plan: Plan) -> str:
    digest = hashlib.sha256()
    for file in files(plan):
        digest.update(file.key.encode() + body(file))
    return digest.hexdigest()


SMALL = Plan(INC, rows=2_000, days=6, end=END)
FULL = Plan(INC, days=3, end=END)


@pytest.fixture(scope="module")
def small() -> list[ExportFile]:
    return list(files(SMALL))


@pytest.fixture(scope="module")
def baseline() -> list[Row]:
    return rows_of(next(files(FULL)))


plans = st.builds(
    Plan,
    st.sampled_from([INC, CRQ]),
    rows=st.integers(1, 300),
    days=st.integers(0, 3),
    seed=st.integers(0, 10**9),
    end=st.datetimes(
        datetime(2020, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
        datetime(2035, 1, 1),  # noqa: DTZ001  the same
        timezones=st.sampled_from([UTC, EAT, timezone(timedelta(hours=-8))]),
    ),
    every_minutes=st.integers(45, 1500),
    quirks=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(plans)
def test_every_plan_keeps_the_feed_contract(plan: Plan) -> None:
    written = list(files(plan))
    assert len(written) == 1 + plan.days * 1440 // plan.every_minutes
    assert len(rows_of(written[0])) == plan.rows
    assert all(one.key < two.key and one.exported_at < two.exported_at for one, two in pairwise(written))
    assert written[-1].exported_at <= plan.end
    for file in written:
        assert file.key == f"{plan.dataset.changes}{file.exported_at:%Y-%m-%dT%H-%M-%S}.csv"
        header, *lines = body(file).decode().splitlines()
        assert header == ",".join(f'"{column}"' for column in FEED_COLUMNS)
        assert all(LINE.fullmatch(line) for line in lines)
        latest = (file.exported_at - timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")
        for row in rows_of(file):
            assert all(row[column] <= latest for column in TIMES)


@settings(max_examples=25, deadline=None)
@given(plans)
def test_a_plan_without_quirks_has_no_odd_rows(plan: Plan) -> None:
    plain = Plan(plan.dataset, plan.rows, plan.days, plan.seed, end=plan.end, quirks=False)
    for file in islice(files(plain), 5):
        assert b"EXPORT STOPPED" not in body(file)
        for row in rows_of(file):
            assert row["cluster"]
            assert row["bucket"] != "closed" or row["closed_at"]


def test_the_same_plan_gives_the_same_bytes() -> None:
    plan = Plan(INC, rows=300, days=2, end=END)
    assert fingerprint(plan) == fingerprint(plan)
    assert fingerprint(plan) != fingerprint(Plan(INC, rows=300, days=2, end=END, seed=2))


def test_chunks_can_be_read_again(small: list[ExportFile]) -> None:
    assert [body(file) for file in small[:3]] == [body(file) for file in small[:3]]


@pytest.mark.parametrize(("zone", "hash_seed"), [("America/Los_Angeles", "1"), ("Asia/Kathmandu", "2")])
def test_bytes_depend_on_neither_host_zone_nor_hash_seed(zone: str, hash_seed: str) -> None:
    plan = Plan(INC, rows=300, days=1, end=END)
    script = (
        "import hashlib; from datetime import datetime, timezone, timedelta\n"
        "from fleettickets.datasets import INC; from fleettickets.demo.export import Plan, files\n"
        "end = datetime(2026, 6, 25, 9, 30, tzinfo=timezone.utc)\n"
        "digest = hashlib.sha256()\n"
        "for file in files(Plan(INC, rows=300, days=1, end=end)):\n"
        "    digest.update(file.key.encode() + b''.join(file.chunks()))\n"
        "print(digest.hexdigest())\n"
    )
    environment = os.environ | {"TZ": zone, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == fingerprint(plan)


def test_files_are_the_same_on_every_python_and_platform() -> None:
    """One fingerprint for all: a change here means that every demo and benchmark gets other data."""
    assert fingerprint(Plan(CRQ, rows=500, days=2, end=END)) == FINGERPRINT


FINGERPRINT = "ff367f8e599fd07b19c6631ffbed771b4f84e89c7c4511a14ddaaf45c02a5180"


def test_a_longer_plan_only_adds_files() -> None:
    short = Plan(CRQ, rows=800, days=2, end=END)
    longer = Plan(CRQ, rows=800, days=4, end=END + timedelta(days=2))
    both = zip(files(short), files(longer), strict=False)
    assert all(one.key == two.key and body(one) == body(two) for one, two in both)


def test_live_goes_on_where_the_plan_ends() -> None:
    short = Plan(CRQ, rows=800, days=2, end=END)
    longer = Plan(CRQ, rows=800, days=4, end=END + timedelta(days=2))
    start = datetime(2026, 6, 25, 13, 0, tzinfo=EAT)
    planned = [(file.key, body(file)) for file in islice(files(longer), 49, None)]
    assert [(file.key, body(file)) for file in islice(live(short, start, 60), 48)] == planned


def test_live_in_small_steps_tells_the_same_end_as_in_large_ones() -> None:
    plan = Plan(INC, rows=3_000, days=3, end=END)
    start = datetime(2026, 6, 25, 13, 0, tzinfo=EAT)
    known = list(files(plan))
    small_steps = count([*known, *islice(live(plan, start, 0.5), 2_880)])
    large_steps = count([*known, *islice(live(plan, start, 240), 7)])
    assert abs(small_steps.open - large_steps.open) < 10
    assert abs(small_steps.tickets - large_steps.tickets) < 10


def test_live_refuses_to_rewrite_the_past() -> None:
    with pytest.raises(UsageError, match="start after"):
        live(SMALL, END - timedelta(hours=1))
    with pytest.raises(UsageError, match="a second apart"):
        live(SMALL, END + timedelta(hours=1), 0.001)


@pytest.mark.parametrize(("rows", "days", "every_minutes"), [(0, 1, 60), (1, -1, 60), (1, 1, 0)])
def test_a_plan_for_nothing_is_refused(rows: int, days: int, every_minutes: int) -> None:
    with pytest.raises(UsageError, match="needs rows"):
        Plan(INC, rows, days, end=END, every_minutes=every_minutes)


def test_a_plan_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="time zone"):
        Plan(INC, end=datetime(2026, 6, 25))  # noqa: DTZ001  the point of the test


def test_full_baseline_has_the_shares_of_the_real_feed(baseline: list[Row]) -> None:
    assert len(baseline) == 34_849
    assert share(baseline, "is_alarm", "true") == pytest.approx(1 / 3, abs=0.03)
    assert share(baseline, "created_at_service", "") == pytest.approx(0.30, abs=0.03)
    assert share(baseline, "assigned_team", "") == pytest.approx(0.34, abs=0.03)
    assert share(baseline, "latitude", "") == share(baseline, "longitude", "") == 1
    opened = [row for row in baseline if row["is_actionable"] == "true" and row["is_alarm"] == "false"]
    assert 250 <= len(opened) <= 600
    assert share(opened, "created_at_service", "") > 0.6
    assert share(opened, "mttr", "") == share(opened, "closed_at", "") == 1


def test_exactly_one_ticket_has_no_cluster(baseline: list[Row]) -> None:
    assert Counter(row["cluster"] for row in baseline)[""] == 1


def test_baseline_is_about_15_megabytes_and_ends_in_a_sentinel() -> None:
    text = body(next(files(FULL)))
    assert 14_000_000 < len(text) < 17_000_000
    assert text.splitlines()[-1].startswith(b'"EXPORT STOPPED DUE TO EXCESSIVE SIZE - 34849","",')


def test_a_delta_has_about_131_rows_and_nights_are_quiet() -> None:
    deltas = [(file.exported_at.hour, len(rows_of(file))) for file in islice(files(FULL), 1, None)]
    assert sum(rows for _, rows in deltas) / len(deltas) == pytest.approx(131, rel=0.15)
    night = [rows for hour, rows in deltas if 2 <= hour <= 6]
    day = [rows for hour, rows in deltas if 9 <= hour <= 19]
    assert sum(night) / len(night) < 0.75 * sum(day) / len(day)


@pytest.mark.parametrize("dataset", [INC, CRQ])
def test_backlog_stays_steady_over_forty_days(dataset: Any) -> None:
    is_open: dict[str, bool] = {}
    backlog = []
    for file in files(Plan(dataset, end=END, every_minutes=1440)):
        for row in rows_of(file):
            is_open[row["ticket_id"]] = row["is_actionable"] == "true" and row["is_alarm"] == "false"
        backlog.append(sum(is_open.values()))
    assert len(backlog) == 41
    assert 200 <= min(backlog) <= max(backlog) <= 800


def test_content_ends_about_two_days_before_the_file(small: list[ExportFile]) -> None:
    for file in small[24:]:
        known = max(
            row[column] for seen in small[: small.index(file) + 1][-24:] for row in rows_of(seen) for column in TIMES
        )
        lag = file.exported_at - datetime.fromisoformat(known).replace(tzinfo=EAT)
        assert timedelta(days=2) <= lag < timedelta(hours=60)


def test_first_seen_is_the_time_of_the_first_export_that_had_the_ticket(small: list[ExportFile]) -> None:
    first_seen: dict[str, str] = {}
    for file in small[1:]:
        exported = file.exported_at.strftime("%Y-%m-%d %H:%M:%S")
        for row in rows_of(file):
            assert row["first_seen_at"] <= row["last_seen_at"] <= exported
            assert row["created_at"] <= row["updated_at"] <= exported
            if row["first_seen_at"] == exported:
                first_seen.setdefault(row["ticket_id"], exported)
            elif row["ticket_id"] in first_seen:
                assert row["first_seen_at"] == first_seen[row["ticket_id"]]
    assert len(first_seen) > 100


def test_values_are_written_as_the_feed_writes_them(small: list[ExportFile]) -> None:
    rows = [row for file in small for row in rows_of(file)]
    for row in rows:
        assert row["cluster"] == row["cluster"].upper()
        assert row["normalized_status"] == row["normalized_status"].upper()
        assert re.fullmatch(r"INC\d{7,}", row["ticket_id"])
        assert re.fullmatch(r"(\d+\.\d{4})?", row["mttr"])
        assert row["closed_at"] or not row["mttr"]
        assert {row[flag] for flag in ("is_alarm", "is_actionable", "is_auto_closed")} <= {"true", "false"}
        assert datetime.fromisoformat(row["week_start"]).weekday() == 0
        assert datetime.fromisoformat(row["week_end"]).weekday() == 6
    assert any("," in row["location_name"] for row in rows)
    assert any('"' in row["location_name"] for row in rows)
    assert any('"' in row["owner"] for row in rows)


def test_installations_have_visits_and_their_own_numbers() -> None:
    rows = rows_of(next(files(Plan(CRQ, rows=500, days=0, end=END))))
    wanted = [row for row in rows if row["is_alarm"] == "false"]
    assert all(row["ticket_id"].startswith("CRQ") and row["scheduled_at"] for row in wanted)
    assert all(not row["scheduled_at"] for row in rows_of(next(files(SMALL))))


def test_tickets_reopen_turn_alarm_and_are_exported_unchanged() -> None:
    seen: dict[str, Row] = {}
    events: Counter[str] = Counter()
    for file in files(FULL):
        for row in rows_of(file):
            before = seen.get(row["ticket_id"])
            if before is not None:
                was_closed = before["bucket"] == "closed" and before["is_alarm"] == "false"
                events["reopened"] += was_closed and row["is_actionable"] == "true"
                events["turned alarm"] += before["is_alarm"] == "false" and row["is_alarm"] == "true"
                events["unchanged"] += before == row
                events["corrected"] += (
                    was_closed and row["closed_at"] < before["closed_at"] and row["bucket"] == "closed"
                )
                assert row["updated_at"] >= before["updated_at"]
                if before["created_at_service"] and row["is_alarm"] == "false":
                    assert row["created_at_service"] == before["created_at_service"]
            seen[row["ticket_id"]] = row
    assert set(events) == {"reopened", "turned alarm", "unchanged", "corrected"}
    assert min(events.values()) > 0


def test_an_outage_at_one_distribution_point_is_open_at_the_end() -> None:
    newest: dict[str, Row] = {}
    for file in islice(files(FULL), 49, None):
        newest |= {row["ticket_id"]: row for row in rows_of(file)}
    still_open = Counter(row["location_name"] for row in newest.values() if row["is_actionable"] == "true")
    (place, tickets), (_, second) = still_open.most_common(2)
    assert "FDT" in place
    assert tickets >= 12 > second


def test_count_agrees_with_the_story_that_was_told(small: list[ExportFile]) -> None:
    story = Story(SMALL)
    changes = Changes(story, story.baseline_s)
    told = [list(story.at_baseline())]
    slots = range(SMALL.baseline_s + SMALL.every_s, SMALL.newest_s + 1, SMALL.every_s)
    told += [changes.until(story.rhythm.content_until(slot)) for slot in slots]
    state: dict[int, str] = {}
    for ticket, step in (news for file in told for news in file):
        if step.is_alarm:
            if ticket.number in state:
                state[ticket.number] = "alarm"
            continue
        state[ticket.number] = {"true": "open"}.get(step.status.is_actionable, step.status.bucket)
    states = Counter(state.values())
    counted = count(small)
    assert counted.files == len(told)
    assert counted.rows == sum(map(len, told))
    assert counted.alarms == sum(step.is_alarm for file in told for _, step in file)
    assert counted.tickets == len(state)
    assert (counted.open, counted.closed) == (states["open"], states["closed"])
    assert (counted.alarm_turned, counted.inactive) == (states["alarm"], states["cancelled"] + states["onhold"])
    assert sum(counted.open_by_cluster.values()) == counted.open
    assert counted.newest_key == small[-1].key
    assert counted.sentinels >= 1


def test_the_steps_of_a_life_are_in_order_and_end_within_the_longest_life() -> None:
    story = Story(FULL)
    longest_s = story.kind.durations_s[-1] + 10 * 86_400
    for ticket, _ in story.at_baseline():
        times = [step.at_s for step in ticket.steps]
        assert times == sorted(times)
        assert times[0] == ticket.opened_s
        assert times[-1] - ticket.opened_s < longest_s


@given(st.integers(0, 2**31), st.integers(1, 10**6), st.integers(0, 2**31))
def test_the_first_export_of_an_instant_is_the_first_that_knows_it(first_s: int, every_s: int, instant_s: int) -> None:
    rhythm = Rhythm(first_s, every_s, seed=1)
    export_s = rhythm.first_export_of(instant_s)
    assert rhythm.content_until(export_s - every_s) < instant_s <= rhythm.content_until(export_s)


def test_a_baseline_is_streamed() -> None:
    """Memory does not follow the rows: 9 MB of file need less than 3 MB."""
    large = next(files(Plan(INC, rows=20_000, days=0, end=END)))
    sum(map(len, next(files(Plan(INC, rows=500, days=0, end=END))).chunks()))  # fills the caches
    tracemalloc.start()
    try:
        size = sum(map(len, large.chunks()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 8_000_000
    assert peak < 3_000_000


def test_write_folder_puts_each_file_at_its_key(tmp_path: Path, small: list[ExportFile]) -> None:
    told: list[int] = []
    assert write_folder(small[:4], tmp_path, progress=told.append) == 4
    assert told == [1, 2, 3, 4]
    assert all((tmp_path / file.key).read_bytes() == body(file) for file in small[:4])
    assert write_folder([], tmp_path) == 0


class Bucket:
    """Remembers what is put, in the way of a boto3 client."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: IO[bytes], ContentType: str) -> None:  # noqa: N803  boto3's names
        """Keep the body."""
        assert ContentType == "text/csv"
        self.objects[Bucket, Key] = Body.read()


def test_upload_puts_each_file_in_order(small: list[ExportFile]) -> None:
    bucket = Bucket()
    told: list[int] = []
    assert upload(small[:4], cast("Any", bucket), "isptickets", progress=told.append, pause_s=0.001) == 4
    assert told == [1, 2, 3, 4]
    assert list(bucket.objects.items()) == [(("isptickets", file.key), body(file)) for file in small[:4]]


def test_the_places_are_those_of_greater_nairobi() -> None:
    assert len({cluster.name for cluster in CLUSTERS}) == len(CLUSTERS) >= 45
    assert len(clusters_by_weight()) == 1024
    assert set(clusters_by_weight()) == set(CLUSTERS)
    for cluster in CLUSTERS:
        assert cluster.name == cluster.name.upper()
        assert cluster.region in CREWS
