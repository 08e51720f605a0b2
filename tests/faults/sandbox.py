"""A sandbox around the engine: a producer, an operator, faults, and what must be true whatever they do.

It remembers every upload. After each run it compares tables and bucket with what follows from the uploads
alone: the rows are the last-writer-wins fold of the applied versions, and no content is anywhere but in
changes/, processed/ or quarantine/.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from unittest.mock import patch

from botocore.exceptions import ClientError
from faults.model import NO_EXPORTS, NOW, Content, Identity, Version, check_counts, fold, plain_name, sightings
from psycopg import sql

from fleettickets import db, failpoint, pipeline
from fleettickets.commands.progress import NOBODY
from fleettickets.datasets import INC
from fleettickets.errors import UpstreamError
from fleettickets.pipeline import Order, ingest
from fleettickets.source.ahead import Archiver
from fleettickets.source.files import FileNotReadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.datasets import Dataset
    from fleettickets.report import RunReport
    from fleettickets.source.bucket import Bucket
    from fleettickets.source.files import FileVersion, Model

TABLES: Final = (
    *("inc", "alarm_rows", "import_files", "import_meta", "rejected_rows"),
    *("row_versions", "closure_events", "reopen_events", "exit_events", "open_spells", "inc_daily_snapshot"),
)
_ALL: Final = sql.SQL("SELECT xmin::text, ctid::text, to_jsonb(t)::text FROM {} AS t ORDER BY 2")


class Killed(BaseException):
    """The process died here."""


class Stored(NamedTuple):
    """An object as it lies in the bucket."""

    etag: str
    modified: datetime
    md5: str


@dataclass
class Faulty:
    """The real bucket; each fetch and archive passes a point first."""

    sandbox: Sandbox
    bucket: Bucket
    archives: bool = True
    over: bool = False

    def listing(self, dataset: Dataset, model: Model, now: datetime) -> list[FileVersion]:
        return self.bucket.listing(dataset, model, now)

    def fetch(self, version: FileVersion) -> IO[bytes]:
        if self.over:
            raise FileNotReadError("the process is gone")
        self.sandbox.reached("fetch", version.key)
        return self.bucket.fetch(version)

    def archive(self, version: FileVersion, folder: str) -> str | None:
        if self.over:
            raise UpstreamError("the process is gone")
        self.sandbox.archiving = version.key
        self.sandbox.reached("archive")
        return self.bucket.archive(version, folder)


@dataclass
class Sandbox:
    """Producer, operator and engine on a real bucket and a real database, and the books the model keeps."""

    bucket: Bucket
    connection: db.Connection
    connect: Callable[[], db.Connection]
    versions: list[Version] = field(default_factory=list)
    archiving: str = ""
    _trap: tuple[str, int, Callable[[str | None], None]] | None = None
    _dying: bool = False
    _applied: set[Identity] = field(default_factory=set)
    _archive: dict[str, Stored] = field(default_factory=dict)
    _bodies: dict[Identity, str] = field(default_factory=dict)
    _overwritten: set[tuple[str, str]] = field(default_factory=set)
    _watermark: str = ""

    def __post_init__(self) -> None:
        for name in self.objects():
            self.bucket.client.delete_object(Bucket=self.bucket.name, Key=name)
        tables = [sql.Identifier("tickets", name) for name in (*TABLES, "runs")]
        self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))

    # the producer and the operator

    def put(self, key: str, content: Content) -> None:
        """Upload; the second changes first where the store could not tell the upload from an earlier one."""
        self._before_write(key, content)
        client, name = self.bucket.client, self.bucket.name
        if content.multipart:
            upload = client.create_multipart_upload(Bucket=name, Key=key)["UploadId"]
            part = client.upload_part(Bucket=name, Key=key, UploadId=upload, PartNumber=1, Body=content.body)
            parts: Any = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
            client.complete_multipart_upload(Bucket=name, Key=key, UploadId=upload, MultipartUpload=parts)
        else:
            client.put_object(Bucket=name, Key=key, Body=content.body)
        self._note(key, content)

    def move_back(self, archived: str) -> None:
        """An operator moves an archived file back to be read again."""
        stored = self._archive.pop(archived)
        name = plain_name(archived)
        key = INC.changes + name
        content = next(v.content for v in self.versions if v.name == name and v.content.md5 == stored.md5)
        self._before_write(key, content)
        source: Any = {"Bucket": self.bucket.name, "Key": archived}
        self.bucket.client.copy_object(Bucket=self.bucket.name, Key=key, CopySource=source)
        self.bucket.client.delete_object(Bucket=self.bucket.name, Key=archived)
        self._note(key, content)

    @property
    def archived(self) -> list[str]:
        """Keys of finished files, as of the last run."""
        return sorted(self._archive)

    # the engine

    def trap(self, point: str, act: Callable[[str | None], None], nth: int = 1) -> None:
        """Let something happen in the next run, the nth time it passes the point."""
        self._trap = (point, nth, act)

    def kill(self, key: str | None = None) -> None:
        """Die at this point; in a helper's thread the whole process goes with it."""
        del key
        if threading.current_thread() is threading.main_thread():
            raise Killed
        self._dying = True
        raise UpstreamError("the process is going")

    def reached(self, point: str, key: str | None = None) -> None:
        """A point of the engine was passed: stands in for the engine's own failpoint."""
        if self._trap and self._trap[0] == point:
            _, nth, act = self._trap
            self._trap = (point, nth - 1, act) if nth > 1 else None
            if nth == 1:
                act(self.archiving if point in {"copied", "delete"} else key)
        if self._dying and threading.current_thread() is threading.main_thread():
            raise Killed

    def run(self, *, reseed: bool = False, apply: bool = True, **how: Any) -> RunReport | None:
        """Run the engine once, dead or alive, and check everything; None when it was killed."""
        if reseed and apply:
            self._reseeded()
        archivers: list[Archiver] = []

        def archiver(source: Faulty, deadline_s: float) -> Archiver:
            archivers.append(Archiver(source, deadline_s))
            return archivers[-1]

        source, events, report = Faulty(self, self.bucket), self.bucket.client.meta.events, None
        order = Order(INC, "test", apply, reseed, deadline_s=20, **how)
        events.register("before-call.s3.DeleteObject", self._deleting)
        with patch.object(failpoint, "reached", self.reached), patch.object(pipeline, "Archiver", archiver):
            try:
                report = ingest(order, source, self.connect, NOW, NOBODY)
            except Killed:
                pass
            finally:
                source.over = True
                for made in archivers:
                    _end(made)
                events.unregister("before-call.s3.DeleteObject", self._deleting)
                self._dying, self._trap = False, None
        self.check()
        return report

    def _deleting(self, **_: Any) -> None:
        self.reached("delete")

    # what must be true

    def objects(self) -> dict[str, Stored]:
        """Everything in the stream's folders."""
        found = {}
        answer = self.bucket.client.list_objects_v2(Bucket=self.bucket.name, Prefix=INC.root)
        for item in answer.get("Contents", []):
            etag, modified = item["ETag"].strip('"'), item["LastModified"].astimezone(UTC).replace(microsecond=0)
            identity = (item["Key"], etag, modified)
            if identity not in self._bodies:
                body = self.bucket.client.get_object(Bucket=self.bucket.name, Key=item["Key"])["Body"].read()
                self._bodies[identity] = hashlib.md5(body, usedforsecurity=False).hexdigest()
            found[item["Key"]] = Stored(etag, modified, self._bodies[identity])
        return found

    def snapshot(self) -> dict[str, Any]:
        """Every row of the engine's tables with the transaction that wrote it, and the bucket."""
        rows = {name: self.connection.execute(_ALL.format(sql.Identifier("tickets", name))) for name in TABLES}
        return {**{name: found.fetchall() for name, found in rows.items()}, "bucket": self.objects()}

    def waiting(self) -> list[str]:
        """Keys the producer's folder holds now."""
        answer = self.bucket.client.list_objects_v2(Bucket=self.bucket.name, Prefix=INC.changes)
        return sorted(item["Key"] for item in answer.get("Contents", []))

    def check(self) -> None:
        """What holds after every run, whatever became of it."""
        ledger = self._ledger()
        known = {version.identity: version for version in self.versions}
        for identity, row in ledger.items():
            version = known[identity]
            if row["state"] in {"applied", "quarantined", "unexpected"}:
                assert row["state"] == version.expected_state, f"wrong state of {identity}: {row['state']}"
            if row["state"] == "applied":
                self._applied.add(identity)
                check_counts(version, row)
        applied = [version for version in self.versions if version.identity in self._applied]
        self._check_tickets(fold(applied))
        self._check_history(sightings(applied))
        newest = max((key for (key, *_), row in ledger.items() if row["state"] == "applied"), default="")
        meta = self.connection.execute("SELECT metadata ->> 'source_max_key' FROM tickets.import_meta").fetchone()
        watermark = (meta and meta[0]) or ""
        assert watermark >= self._watermark, f"the watermark went back to {watermark}"
        assert watermark == newest, f"the watermark is {watermark}, the newest applied file {newest}"
        self._watermark = watermark
        self._check_bucket(ledger)

    def finish(self) -> None:
        """Two runs without faults settle everything; a third changes nothing."""
        self._trap = None
        self.run()
        self.run()
        before = self.snapshot()
        report = self.run()
        assert report, "a run without faults died"
        assert (report.exit_code, report.error, dict(report.files)) == (0, None, {}), f"not settled: {report}"
        assert self.snapshot() == before, "a run with nothing to do changed something"
        self._check_settled()

    def _check_tickets(self, expected: dict[str, tuple[Any, ...]]) -> None:
        rows = self.connection.execute(
            "SELECT ticket_id, raw ->> 'assigned_team', raw ->> 'is_alarm', is_actionable, "
            "source_exported_at, source_modified, source_etag FROM tickets.inc"
        )
        found = {ticket_id: tuple(facts) for ticket_id, *facts in rows}
        assert found == expected, f"the tickets are not the last writers' rows: {found} != {expected}"

    def _check_history(self, expected: set[tuple[Any, ...]]) -> None:
        found = self.connection.execute(
            "SELECT ticket_id, exported_at, modified, etag, raw ->> 'assigned_team', is_alarm FROM tickets.row_versions"
        ).fetchall()
        assert sorted(found) == sorted(expected), f"history is not what the versions say: {found} != {expected}"

    def _check_bucket(self, ledger: dict[Identity, dict[str, Any]]) -> None:
        objects = self.objects()
        archive = {key: stored for key, stored in objects.items() if not key.startswith(INC.changes)}
        for key, stored in self._archive.items():
            assert archive.get(key) == stored, f"an archived file was changed: {key}"
        self._archive = archive
        waiting = {(key, stored.etag, stored.modified) for key, stored in objects.items() if key not in archive}
        kept = {(plain_name(key), stored.md5) for key, stored in objects.items()}
        for version in self.versions:
            if version.identity in waiting:
                continue
            content = (version.name, version.content.md5)
            assert content in kept | self._overwritten, f"a version is gone: {version.identity}"
            assert version.replaced or version.identity in ledger, f"a version was deleted unseen: {version.identity}"

    def _check_settled(self) -> None:
        ledger = self._ledger()
        for version in self.versions:
            row = ledger.get(version.identity)
            final = {version.expected_state}
            if version.replaced:
                final |= {"superseded", "forgotten"}
            elif not version.read_again:
                final |= {"forgotten"}
            assert row or version.replaced, f"a version was never listed: {version.identity}"
            assert not row or row["state"] in final, f"not final: {version.identity} is {row and row['state']}"
            done = not row or row["archived_at"] or row["state"] in {"unexpected", "forgotten"}
            assert done, f"not archived: {version.identity}"
        folders = defaultdict(set)
        for key, stored in self.objects().items():
            folder = key.removeprefix(INC.root).partition("/")[0]
            folders[plain_name(key), stored.md5].add(folder)
            name = key.removeprefix(INC.changes)
            assert folder in {"processed", "quarantine"} or name in NO_EXPORTS, f"left behind: {key}"
        assert all(len(found) == 1 for found in folders.values()), f"in two folders: {dict(folders)}"

    def _ledger(self) -> dict[Identity, dict[str, Any]]:
        rows = self.connection.execute(
            "SELECT key, etag, last_modified, to_jsonb(f), (SELECT count(*) FROM tickets.rejected_rows AS r "
            "WHERE r.file_id = f.file_id) FROM tickets.import_files AS f"
        )
        return {(key, etag, modified): row | {"kept": kept} for key, etag, modified, row, kept in rows}

    def _reseeded(self) -> None:
        """From here on the watermark may begin anew, and what is no longer listed stays forgotten."""
        self._watermark = ""
        objects = self.objects()
        for version in self.versions:
            there = objects.get(version.key)
            version.read_again = there is not None and (there.etag, there.modified) == version.identity[1:]

    def _before_write(self, key: str, content: Content) -> None:
        twins = [v.modified for v in self.versions if (v.key, v.content.md5) == (key, content.md5)]
        while twins and datetime.now(UTC) < max(twins) + timedelta(seconds=1.02):
            time.sleep(0.05)
        there = self._head(key)
        for version in self.versions:
            if version.identity == there:
                version.replaced = True
                self._overwritten.add((version.name, version.content.md5))

    def _note(self, key: str, content: Content) -> None:
        there = self._head(key)
        assert there
        assert all(version.identity != there for version in self.versions), f"indistinguishable upload: {there}"
        self.versions.append(Version(*there, content))

    def _head(self, key: str) -> Identity | None:
        try:
            head = self.bucket.client.head_object(Bucket=self.bucket.name, Key=key)
        except ClientError:
            return None
        return (key, head["ETag"].strip('"'), head["LastModified"].astimezone(UTC).replace(microsecond=0))


def _end(archiver: Archiver) -> None:
    """The helper's thread ends with its process; here the process lives on."""
    archiver._todo.put(None)  # noqa: SLF001  # nobody else can
    if archiver._thread:  # noqa: SLF001  # the same
        archiver._thread.join()  # noqa: SLF001  # the same
