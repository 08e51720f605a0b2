"""Who is measured, where each of them works, and how one of its runs is watched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleettickets.demo.export import upload
from fleettickets.source.bucket import open_bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mypy_boto3_s3 import S3Client

    from fleettickets.demo.export import ExportFile
    from fleettickets.demo.stack import S3Access

ROOT: Final = Path(__file__).resolve().parent.parent
_LAUNCHER: Final = ROOT / "bench" / "launch.py"
_LONGEST_RUN_S: Final = 3_600
_WORDS_OF_A_FAILURE: Final = 300


@dataclass(frozen=True, slots=True)
class Contender:
    """One program that drains the feed: its command, and how its table is read again."""

    name: str
    command: Sequence[str]
    truth: str
    """Answers (ticket_id, updated_at as the feed writes it) of each row."""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one whole process."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    engine_s: float | None = None


class ContenderFailedError(Exception):
    """The program ended with an error."""


@dataclass(frozen=True, slots=True)
class Place:
    """One contender's database, bucket and folder for one table."""

    database_url: str = field(repr=False)
    s3: S3Access = field(repr=False)
    bucket: str
    folder: Path

    @classmethod
    def made(cls, database_url: str, s3: S3Access, name: str, folder: Path) -> Place:
        """A place with a new bucket and an empty folder; the database is there."""
        place = cls(database_url, s3, name.replace("_", "-"), folder / name)
        place.folder.mkdir(parents=True)
        place.client().create_bucket(Bucket=place.bucket)
        return place

    def client(self) -> S3Client:
        """A client of the store."""
        access = self.s3
        return open_bucket(access.endpoint_url, access.access_key, access.secret_key, self.bucket, access.region).client

    def put(self, files: Iterable[ExportFile]) -> None:
        """Let the export write these files."""
        upload(files, self.client(), self.bucket)

    def env(self) -> dict[str, str]:
        """What a contender finds in its environment."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "DATABASE_URL": self.database_url,
            "RUSTFS_ENDPOINT_URL": self.s3.endpoint_url,
            "RUSTFS_ACCESS_KEY": self.s3.access_key,
            "RUSTFS_SECRET_KEY": self.s3.secret_key,
            "RUSTFS_BUCKET": self.bucket,
            "RUSTFS_REGION": self.s3.region,
            "RIVAL_FOLDER": str(self.folder),
        }


def run(contender: Contender, place: Place) -> Sample:
    """Run the contender once as a process of its own; ContenderFailedError with its last words."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_LAUNCHER), *contender.command],
        env={**place.env(), **contender.env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        answer, said = process.communicate(timeout=_LONGEST_RUN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise ContenderFailedError(f"it did not end within {_LONGEST_RUN_S} s") from None
    said, _, measured = said.rstrip().rpartition("\n")
    if process.returncode:
        raise ContenderFailedError(f"its launcher failed: {measured}")
    figures = json.loads(measured)
    if figures.pop("exit_code"):
        raise ContenderFailedError(_reason(said + answer))
    report = json.loads(answer) if answer.startswith("{") else {"runs": []}
    engine_s = sum(float(one["duration_s"]) for one in report["runs"]) if report["runs"] else None
    return Sample(engine_s=engine_s, **figures)


def _reason(text: str) -> str:
    """The first lines that speak of an error, else the last words."""
    lines = [" ".join(line.split()) for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]
    errors = [line for line in lines if re.search("error|WRN|FATAL", line, re.IGNORECASE)]
    return (" | ".join(errors) or " ".join(lines)[-_WORDS_OF_A_FAILURE:])[:_WORDS_OF_A_FAILURE]


ENGINE: Final = Contender(
    "fleettickets",
    [sys.executable, "-m", "inc.import_inc", "--from-bucket", "--apply", "--json"],
    "SELECT ticket_id, raw ->> 'updated_at' FROM tickets.inc",
)
PLAIN: Final = Contender(
    "plain loader",
    [sys.executable, str(ROOT / "bench" / "plain_loader.py")],
    "SELECT ticket_id, raw ->> 'updated_at' FROM tickets.inc",
)
