"""Any interleaving of producer, operator, engine and faults ends in the same tickets, and nothing is lost."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import pytest
from faults.model import BAD_TIMES, KINDS, NO_EXPORTS, NOW, UNUSABLE, Content, Line, key_of
from faults.sandbox import Faulty, Sandbox
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from psycopg import sql

from fleettickets import db, failpoint
from fleettickets.clean.records import Records
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.errors import BusyError, UpstreamError
from fleettickets.load import ledger, stage
from fleettickets.pipeline import Order, _Run, ingest
from fleettickets.source.bucket import Bucket
from fleettickets.source.files import FileGoneError, FileNotReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from fleettickets.source.files import FileVersion

EXAMPLES: Final = int(os.environ.get("FLEETTICKETS_EXAMPLES", "20"))
STEPS: Final = 12

lines = st.builds(Line, st.sampled_from(("open", "closed", *KINDS)), st.sampled_from("ABCD"), st.sampled_from("xyz"))
usable = st.builds(Content, st.lists(lines, max_size=5).map(tuple), multipart=st.booleans())
unusable = st.builds(Content, unusable=st.sampled_from(sorted(UNUSABLE)))
contents = st.one_of(usable, usable, usable, unusable)
any_of = st.integers(0, 99)
nth = st.integers(1, 3)
files = st.sampled_from([1, 3])


class Stream(RuleBasedStateMachine):
    """One stream; every rule that runs the engine checks everything after it."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.newest = 10

    def a_key(self, at: int) -> str:
        keys = sorted({version.key for version in self.sandbox.versions})
        return keys[at % len(keys)] if keys else key_of(self.newest)

    @rule(new=st.lists(contents, min_size=1, max_size=3))
    def newer_exports(self, new: list[Content]) -> None:
        for content in new:
            self.newest += 1
            self.sandbox.put(key_of(self.newest), content)

    @rule(slot=st.integers(0, 9), content=contents)
    def late_export(self, slot: int, content: Content) -> None:
        self.sandbox.put(key_of(slot), content)

    @rule(at=any_of, content=contents)
    def overwrite_a_key(self, at: int, content: Content) -> None:
        self.sandbox.put(self.a_key(at), content)

    @precondition(lambda self: self.sandbox.versions)
    @rule(at=any_of)
    def upload_the_same_bytes_again(self, at: int) -> None:
        version = self.sandbox.versions[at % len(self.sandbox.versions)]
        self.sandbox.put(version.key, version.content)

    @rule(name=st.sampled_from((*BAD_TIMES, *NO_EXPORTS)), content=usable)
    def upload_under_a_name_that_is_no_export(self, name: str, content: Content) -> None:
        self.sandbox.put(INC.changes + name, content)

    @rule(files=files)
    def ingest(self, files: int) -> None:
        self.sandbox.run(max_files_per_tx=files)

    @rule(files=files, reseed=st.booleans())
    def a_dry_run_changes_nothing(self, files: int, reseed: bool) -> None:  # noqa: FBT001  # Hypothesis names it
        before = self.sandbox.snapshot()
        self.sandbox.run(apply=False, reseed=reseed, max_files_per_tx=files)
        assert self.sandbox.snapshot() == before, "a dry run changed something"

    @rule(
        point=st.sampled_from(("read", "copying", "precommit", "committed", "copied", "delete")), nth=nth, files=files
    )
    def crash(self, point: str, nth: int, files: int) -> None:
        self.sandbox.trap(point, self.sandbox.kill, nth)
        self.sandbox.run(max_files_per_tx=files)

    @rule(
        point=st.sampled_from(("fetch", "read", "precommit", "copied", "delete")),
        content=contents,
        same=st.booleans(),
        at=any_of,
        nth=nth,
        files=files,
    )
    def the_producer_overwrites_a_key_meanwhile(
        self,
        point: str,
        content: Content,
        same: bool,  # noqa: FBT001
        at: int,
        nth: int,
        files: int,
    ) -> None:
        def overwrite(key: str | None) -> None:
            waiting = self.sandbox.waiting()
            key = key or (waiting[at % len(waiting)] if waiting else self.a_key(at))
            there = [version.content for version in self.sandbox.versions if version.key == key]
            # Between the archive's last look and its delete the same bytes are the same version: no store tells them
            # apart, and nothing is lost with them.
            looks_later = point in {"fetch", "copied"}
            if same and there and looks_later:
                self.sandbox.put(key, there[-1])
            elif looks_later or content.md5 not in {known.md5 for known in there}:
                self.sandbox.put(key, content)

        self.sandbox.trap(point, overwrite, nth)
        self.sandbox.run(max_files_per_tx=files)

    @rule(point=st.sampled_from(("archive", "copied", "delete")), nth=nth, files=files)
    def an_archive_is_refused(self, point: str, nth: int, files: int) -> None:
        self.sandbox.trap(point, raises(UpstreamError("access denied")), nth)
        self.sandbox.run(max_files_per_tx=files)

    @rule(nth=nth, files=files)
    def a_fetch_fails(self, nth: int, files: int) -> None:
        self.sandbox.trap("fetch", raises(FileNotReadError("503")), nth)
        self.sandbox.run(max_files_per_tx=files)

    @precondition(lambda self: self.sandbox.archived)
    @rule(at=any_of)
    def an_operator_moves_a_file_back(self, at: int) -> None:
        self.sandbox.move_back(self.sandbox.archived[at % len(self.sandbox.archived)])

    @rule(files=files)
    def reseed(self, files: int) -> None:
        self.sandbox.run(reseed=True, max_files_per_tx=files)

    @rule(files=files)
    def a_second_runner_is_refused(self, files: int) -> None:
        sandbox = self.sandbox

        def start(_: str | None) -> None:
            with pytest.raises(BusyError):
                ingest(Order(INC, "second", apply=True), Faulty(sandbox, sandbox.bucket), sandbox.connect, NOW, NOBODY)

        sandbox.trap("read", start)
        sandbox.run(max_files_per_tx=files)

    def teardown(self) -> None:
        self.sandbox.finish()


def raises(error: Exception) -> Callable[[str | None], None]:
    def refuse(_: str | None) -> None:
        raise error

    return refuse


@pytest.fixture
def sandbox(bucket: Bucket, shared_connection: db.Connection) -> Iterator[Sandbox]:
    """Empty tables and an empty bucket on the real servers."""
    url = f"{shared_connection.info.dsn} password={shared_connection.info.password}"
    yield Sandbox(bucket, shared_connection, lambda: db.connect(url))
    Sandbox(bucket, shared_connection, lambda: db.connect(url))


def test_any_interleaving_converges_and_loses_nothing(sandbox: Sandbox) -> None:
    run_state_machine_as_test(
        lambda: Stream(Sandbox(sandbox.bucket, sandbox.connection, sandbox.connect)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],  # an example talks to two servers
        ),
    )


# Short histories, each of which only one defence keeps from going wrong.

OLD, NEW = Content((Line("open", "A", "x"),)), Content((Line("closed", "A", "y"),))
MEANWHILE = "the_producer_overwrites_a_key_meanwhile"
BOTH = Content((Line("open", "A", "x"), Line("open", "B", "x")))


TWICE = Content((*OLD.lines, *NEW.lines))
RAGGED, ALARM = Content((Line("ragged", "A", "z"),)), Content((Line("alarm", "A"),))
HISTORIES: dict[str, list[tuple[Any, ...]]] = {
    "late file": [("newer_exports", [NEW]), ("ingest", 1), ("late_export", 3, BOTH)],
    "late file behind an unchanged row": [
        *(("late_export", 1, OLD), ("ingest", 1)),
        *(("late_export", 5, OLD), ("ingest", 1)),
        ("late_export", 3, NEW),
    ],
    "alarm, then its ticket late": [("newer_exports", [ALARM]), ("ingest", 1), ("late_export", 3, OLD)],
    "ticket twice in a file": [("newer_exports", [TWICE])],
    "ragged row of a known ticket": [("newer_exports", [OLD, RAGGED])],
    "same bytes again": [("newer_exports", [OLD]), ("ingest", 1), ("upload_the_same_bytes_again", 0)],
    "other bytes under a finished name": [("newer_exports", [OLD]), ("ingest", 1), ("overwrite_a_key", 0, NEW)],
    "overwritten while archived": [("newer_exports", [OLD]), (MEANWHILE, "copied", NEW, False, 0, 1, 1)],
    "put again while archived": [("newer_exports", [OLD]), (MEANWHILE, "copied", OLD, True, 0, 1, 1)],
    "overwritten at the delete": [("newer_exports", [OLD]), (MEANWHILE, "delete", NEW, False, 0, 1, 1)],
    "not read, then overwritten": [("newer_exports", [OLD]), ("a_fetch_fails", 1, 1), ("overwrite_a_key", 0, NEW)],
    "killed before the commit": [("newer_exports", [OLD]), ("crash", "precommit", 1, 1)],
    "killed before the archive": [("newer_exports", [OLD]), ("crash", "committed", 1, 1)],
}


# The defences, one switched off at a time.


def archive(*, looks: bool, on_condition: bool) -> Callable[..., str]:
    """An archive step that does not look at the time of the upload before it deletes."""

    def moved(self: Bucket, version: FileVersion, folder: str) -> str:
        target = self._copy(version, folder)
        failpoint.reached("copied")
        head = self.client.head_object(Bucket=self.name, Key=version.key)
        condition: Any = {"IfMatch": f'"{version.etag}"'} if on_condition else {}
        if not looks or head["ETag"].strip('"') == version.etag:
            self.client.delete_object(Bucket=self.name, Key=version.key, **condition)
        return target

    return moved


def copies_over_the_plain_name(self: Bucket, version: FileVersion, folder: str) -> str:
    source: Any = {"Bucket": self.name, "Key": version.key}
    self.client.copy_object(Bucket=self.name, Key=folder + version.name, CopySource=source)
    return folder + version.name


def settles_before_the_rows_commit(self: _Run, *arguments: Any) -> int | None:
    version, outcome = arguments
    with db.connect(f"{self.connection.info.dsn} password={self.connection.info.password}") as other:
        return ledger.record_file(other, INC, version, outcome, run_id=self.run_id, archives=True)


def pads_short_rows(self: Records) -> Iterator[Any]:
    for record in READ(self):
        yield record + [""] * (32 - len(record)) if isinstance(record, list) else record


READ = Records.__iter__
ABOVE_THE_WATERMARK = "listed.key >= coalesce((SELECT metadata ->> 'source_max_key' FROM tickets.import_meta), '')"

CODE: dict[str, tuple[type, str, Callable[..., Any], str, str]] = {
    "the archive deletes whatever lies there": (
        *(Bucket, "archive", archive(looks=False, on_condition=False)),
        *("overwritten while archived", "a version is gone"),
    ),
    "the archive deletes a later upload of the same bytes": (
        *(Bucket, "archive", archive(looks=True, on_condition=True)),
        *("put again while archived", "a version was deleted unseen"),
    ),
    "the archive looks, then deletes without condition": (
        *(Bucket, "archive", archive(looks=True, on_condition=False)),
        *("overwritten at the delete", "a version is gone"),
    ),
    "the archive overwrites": (
        *(Bucket, "_copy", copies_over_the_plain_name),
        *("other bytes under a finished name", "an archived file was changed"),
    ),
    "the ledger commits before the rows": (
        *(_Run, "_record", settles_before_the_rows_commit),
        *("killed before the commit", "the tickets are not the last writers' rows"),
    ),
    "short rows are padded": (
        *(Records, "__iter__", pads_short_rows),
        *("ragged row of a known ticket", "the tickets are not|miscounted"),
    ),
}
SQL: dict[str, tuple[ModuleType, str, dict[str, str], str, str]] = {
    "the merge has no guard": (
        *(stage, "merge", {"THEN 'stale'": "THEN 'changed'", "< (excluded.": "IS DISTINCT FROM (excluded."}),
        *("late file", "the tickets are not the last writers' rows"),
    ),
    "an unchanged row keeps its old place": (
        *(stage, "merge", {"IN ('new', 'changed', 'unchanged')": "IN ('new', 'changed')"}),
        *("late file behind an unchanged row", "the tickets are not the last writers' rows"),
    ),
    "the first line of a ticket wins": (
        *(stage, "merge", {"staged.line DESC": "staged.line"}),
        *("ticket twice in a file", "the tickets are not the last writers' rows"),
    ),
    "an alarm without a ticket is forgotten": (
        *(stage, "merge", {"WHERE outcome = 'alarm'": "WHERE false"}),
        *("alarm, then its ticket late", "the tickets are not the last writers' rows"),
    ),
    "the watermark is a filter": (
        *(ledger, "plan", {"seen.file_id IS NULL": f"{ABOVE_THE_WATERMARK} AND seen.file_id IS NULL"}),
        *("late file", "a version was never listed"),
    ),
    "the ledger knows no time of upload": (
        *(ledger, "plan", {"AND seen.last_modified = listed.last_modified": ""}),
        *("same bytes again", "a version was never listed|nothing to do changed something"),
    ),
    "only this run's files are archived": (
        *(ledger, "plan", {"AND archived_at IS NULL": "AND false"}),
        *("killed before the archive", "not archived"),
    ),
    "a failed file that is gone stays failed": (
        *(ledger, "plan", {"seen.state = 'failed' AND listed.key IS NULL": "false"}),
        *("not read, then overwritten", "not final"),
    ),
    "the watermark follows the last file": (
        *(ledger, "record_file", {"< (meta.metadata ->> 'source_max_exported_at')::timestamptz": "IS NULL"}),
        *("late file", "the watermark went back"),
    ),
}


@contextmanager
def rewritten(module: ModuleType, name: str, changes: dict[str, str]) -> Iterator[None]:
    """One of our statements with parts of it replaced."""

    def statement(folder: Path, wanted: str) -> sql.SQL:
        found = db.statement(folder, wanted)
        if wanted != name:
            return found
        text = found.as_string()
        for old, new in changes.items():
            if old not in text:
                raise LookupError(f"{name}.sql no longer says {old!r}")
            text = text.replace(old, new)
        return sql.SQL(text)

    with patch.object(module, "statement", statement):
        yield


def play(history: str, sandbox: Sandbox) -> None:
    stream = Stream(sandbox)
    for name, *arguments in HISTORIES[history]:
        getattr(stream, name)(*arguments)
    stream.teardown()


@pytest.mark.parametrize("history", HISTORIES)
def test_each_history_ends_well_with_all_defences(history: str, sandbox: Sandbox) -> None:
    play(history, sandbox)


@pytest.mark.parametrize("defence", CODE)
def test_the_machine_notices_a_defence_missing_in_code(defence: str, sandbox: Sandbox) -> None:
    owner, name, replacement, history, complaint = CODE[defence]
    with patch.object(owner, name, replacement), pytest.raises(AssertionError, match=complaint):
        play(history, sandbox)


@pytest.mark.parametrize("defence", SQL)
def test_the_machine_notices_a_defence_missing_in_sql(defence: str, sandbox: Sandbox) -> None:
    module, name, changes, history, complaint = SQL[defence]
    with rewritten(module, name, changes), pytest.raises(AssertionError, match=complaint):
        play(history, sandbox)


def test_a_file_the_store_misses_for_a_moment_is_read_later(sandbox: Sandbox) -> None:
    sandbox.put(key_of(1), OLD)
    sandbox.trap("fetch", raises(FileGoneError("404")))
    sandbox.run()
    sandbox.finish()


def test_a_failed_file_beyond_until_is_read_later(sandbox: Sandbox) -> None:
    sandbox.put(key_of(5), OLD)
    sandbox.trap("fetch", raises(FileNotReadError("503")))
    sandbox.run()
    sandbox.run(until=key_of(3))
    sandbox.finish()


def test_a_reseed_reads_a_file_that_still_waits_for_its_archive(sandbox: Sandbox) -> None:
    sandbox.put(key_of(1), OLD)
    sandbox.trap("archive", raises(UpstreamError("access denied")))
    sandbox.run()
    sandbox.trap("fetch", lambda _: time.sleep(1))
    sandbox.run(reseed=True)
    sandbox.finish()
