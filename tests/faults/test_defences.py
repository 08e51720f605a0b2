"""Each defence switched off in a copy of the package: the test that holds the promise must notice."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import faults.test_crashes as crashes
import faults.test_database_faults as database_faults
import faults.test_locks as locks
import faults.test_stopping as stopping
import faults.test_store_faults as store_faults
import faults.test_store_races as races
import pytest
from faults.world import ROOT, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fleettickets import db

PACKAGES = ("fleettickets", "inc", "migrations", "sql")


@dataclass(frozen=True)
class Mutant:
    """A defence off: in `file`, each text replaced; and who must notice."""

    file: str
    changes: dict[str, str]
    notices: Callable[[World, db.Connection], None]


LEDGER_FIRST = {
    '        failpoint.reached("committed")\n': '        failpoint.reached("committed")\n',
    "        with severed_after(self.connection, deadline_s), self.connection.transaction():\n": (
        "        for one in group:\n"
        "            with self.connection.transaction():\n"
        "                early = FileOutcome(one.version.key, 'applied', one.version.exported_at)\n"
        "                self._record(one.version, early)\n"
        "        with severed_after(self.connection, deadline_s), self.connection.transaction():\n"
    ),
}
LEDGER_LAST = {
    "                file_id = self._record(version, outcome)\n                if file_id is not None:\n": (
        "                file_id = 0\n                if file_id is not None:\n"
    ),
    '        failpoint.reached("committed")\n': (
        '        failpoint.reached("committed")\n'
        "        settled = [(self._record(one, what) or 0, one, what) for _, one, what in settled]\n"
    ),
}
GUARD = "ticket.source_modified, ticket.source_etag, ticket.source_line)\n        < (excluded"
HEAD_CHECK = '(_etag(head["ETag"]), _seconds(head["LastModified"])) == (version.etag, version.last_modified)'


def crash_at(point: str) -> Callable[[World, db.Connection], None]:
    """The crash test of this point."""
    return lambda world, twin: crashes.test_after_kill_9_one_more_run_finishes_the_job(world, twin, point)


def migrating(world: World, _twin: db.Connection) -> None:
    """The crash test of the migration, on this world's database emptied of our schemas."""
    world.execute("DROP SCHEMA tickets CASCADE", "DROP SCHEMA reporting CASCADE")
    crashes.test_killed_while_migrating_nothing_is_changed_and_the_next_migration_works(world, world.database_url)


def two_runners(world: World, twin: db.Connection) -> None:
    """The test of two runs at once, less patient: neither of them will give way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locks, "PATIENCE_S", 4.0)
        locks.test_of_several_runs_at_once_exactly_one_works(world, twin, 2)


MUTANTS = {
    "no transaction round a migration": Mutant(
        "fleettickets/migrate.py",
        {"        with connection.transaction():\n": "        if True:\n"},
        migrating,
    ),
    **{
        f"ledger before the rows, killed {point}": Mutant("fleettickets/pipeline.py", LEDGER_FIRST, crash_at(point))
        for point in ("read", "copying", "precommit")
    },
    "ledger after the commit": Mutant("fleettickets/pipeline.py", LEDGER_LAST, crash_at("committed")),
    "archive only the files of this run": Mutant(
        "fleettickets/pipeline.py",
        {"for file_id, version, state in self.plan.unarchived:": "for file_id, version, state in []:"},
        crash_at("committed"),
    ),
    "a copy made before is not recognised": Mutant(
        "fleettickets/source/bucket.py",
        {"            if _is_copy(head, version):\n                return target\n        raise": "        raise"},
        crash_at("copied"),
    ),
    "the last writer does not win": Mutant(
        "fleettickets/load/merge.sql",
        {GUARD: GUARD.replace("< (", "IS DISTINCT FROM ("), "THEN 'stale'": "THEN 'changed'"},
        races.test_late_and_corrected_files_find_their_place,
    ),
    "the watermark is a filter": Mutant(
        "fleettickets/load/ledger.py",
        {
            "[listed[at - 1] for at in pending]": (
                "[listed[at - 1] for at in pending if listed[at - 1].key > (metadata or {}).get('source_max_key', '')]"
            )
        },
        races.test_late_and_corrected_files_find_their_place,
    ),
    "unchanged rows keep their old writer": Mutant(
        "fleettickets/load/merge.sql",
        {"judged.outcome IN ('new', 'changed', 'unchanged')": "judged.outcome IN ('new', 'changed')"},
        races.test_an_unchanged_row_still_takes_the_newer_writer,
    ),
    "a version is key and ETag": Mutant(
        "fleettickets/load/plan.sql",
        {"        AND seen.last_modified = listed.last_modified\n": ""},
        races.test_the_same_bytes_put_again_later_are_applied_and_archived,
    ),
    "delete without looking": Mutant(
        "fleettickets/source/bucket.py",
        {HEAD_CHECK: "True", ', IfMatch=head["ETag"])': ")"},
        lambda world, twin: races.test_overwritten_while_it_is_archived_the_new_version_survives(
            world, twin, "before the delete"
        ),
    ),
    "delete what has the same ETag": Mutant(
        "fleettickets/source/bucket.py",
        {HEAD_CHECK: '_etag(head["ETag"]) == version.etag'},
        races.test_the_same_bytes_put_again_while_archiving_are_a_new_version,
    ),
    "the archive is overwritten": Mutant(
        "fleettickets/source/bucket.py",
        {"            if head is None:\n": "            if True:\n", '            IfNoneMatch="*",\n': ""},
        store_faults.test_the_same_name_archived_before_with_other_content_is_never_overwritten,
    ),
    "no checksum": Mutant(
        "fleettickets/source/bucket.py",
        {"if _SINGLE_PART_ETAG.fullmatch(version.etag) and digest.hexdigest() != version.etag:": "if False:"},
        lambda world, twin: store_faults.test_a_damaged_body_is_never_applied(world, twin, "a flipped bit"),
    ),
    "no length and no checksum": Mutant(
        "fleettickets/source/bucket.py",
        {
            "if _SINGLE_PART_ETAG.fullmatch(version.etag) and digest.hexdigest() != version.etag:": "if False:",
            "if length != version.size_bytes:": "if False:",
        },
        lambda world, twin: store_faults.test_a_damaged_body_is_never_applied(
            world, twin, "short, Content-Length dropped"
        ),
    ),
    "no clock of our own": Mutant(
        "fleettickets/db.py",
        {"    timer.start()\n": ""},
        lambda world, twin: database_faults.test_a_database_that_goes_deaf_ends_the_run_by_our_own_clock(
            world, twin, "merge"
        ),
    ),
    "no lock": Mutant(
        "fleettickets/load/plan.sql",
        {"pg_try_advisory_xact_lock(hashtextextended('fleettickets:' || %(dataset)s::text, 0))": "true"},
        two_runners,
    ),
    "a deadlock is final": Mutant(
        "fleettickets/pipeline.py",
        {"_TRIES: Final = 3": "_TRIES: Final = 1"},
        locks.test_a_deadlock_with_somebody_elses_update_is_tried_again,
    ),
    "the role's own statement timeout": Mutant(
        "fleettickets/load/ledger.py",
        {"'statement_timeout', 'lock_timeout', 'work_mem'": "'lock_timeout', 'work_mem'"},
        locks.test_an_impatient_role_does_not_cut_a_file_short,
    ),
    "SIGTERM kills": Mutant(
        "fleettickets/commands/ending.py",
        {"    signal.signal(signal.SIGTERM, _stop)\n": ""},
        lambda world, twin: stopping.test_stopped_in_the_middle_of_a_file_it_rolls_back_and_says_so(
            world, twin, signal.SIGTERM, "copying"
        ),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_without_the_defence_the_promise_is_broken(
    world: World, twin: db.Connection, tmp_path: Path, name: str
) -> None:
    """The mutant runs, and its test fails; a test that passes either way would hold nothing."""
    mutant = MUTANTS[name]
    world.root = mutated(tmp_path / "package", mutant)
    world.environ["PYTHONPATH"] = str(world.root)
    with pytest.raises(AssertionError):
        mutant.notices(world, twin)
    broken = [text for text in world.printed if "unexpected" in text or "syntax error" in text]
    assert not broken, "the mutant does not even run"


def mutated(folder: Path, mutant: Mutant) -> Path:
    """A copy of the package with the mutant's changes; each text to replace must be there."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run_migrations.py", folder)
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    for old, new in mutant.changes.items():
        assert old in text, f"{mutant.file} no longer says {old!r}: adapt the mutant"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return folder
