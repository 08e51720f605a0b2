"""What every command shares: the settings, the clock, the connections, the way to print."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleettickets import config
from fleettickets.datasets import EAT
from fleettickets.errors import UsageError
from fleettickets.redact import guard_logging, learn

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.config import Settings
    from fleettickets.db import Connection
    from fleettickets.source.bucket import Bucket


@dataclass(slots=True)
class App:
    """One invocation."""

    settings: Settings
    now: datetime
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    @classmethod
    def of(cls, *, as_json: bool, quiet: bool, verbose: bool, now: str | None, env_file: str | None) -> App:
        """Read the settings of the working folder."""
        guard_logging()
        settings = config.load(Path.cwd(), os.environ, env_file=Path(env_file) if env_file else None)
        return cls(settings, instant(now) if now else datetime.now(UTC), as_json, quiet, verbose)

    @property
    def home(self) -> Path:
        """The folder of the private servers."""
        return Path(self.settings.home).absolute()

    def say(self, text: str) -> None:
        """One line for a person, on stderr."""
        if not self.quiet:
            click.echo(text, err=True)

    def answer(self, document: dict[str, Any], show: Callable[[], None]) -> None:
        """The result: a document with --json, else what `show` prints."""
        if self.as_json:
            click.echo(json.dumps(document, default=str))
        elif not self.quiet:
            show()

    def connector(self) -> Callable[[], Connection]:
        """A function that opens database connections; starts the private cluster when no address is set."""
        from fleettickets import db  # noqa: PLC0415  # psycopg is only loaded by commands that need it

        if self.settings.database_url is None:
            self._use_private("DATABASE_URL", postgres=True)
        return partial(db.connect, str(self.settings.database_url))

    def bucket(self) -> Bucket:
        """The export's bucket; starts the private store when no address is set."""
        from fleettickets.source.bucket import open_bucket  # noqa: PLC0415  # boto3 costs a third of a second

        if self.settings.s3_endpoint_url is None:
            self._use_private("RUSTFS_ENDPOINT_URL", s3=True)
        settings = self.settings
        for name, value in (("ACCESS", settings.s3_access_key), ("SECRET", settings.s3_secret_key)):
            if not value:
                raise UsageError(f"RUSTFS_{name}_KEY is not set: the store at {settings.s3_endpoint_url} needs it")
        return open_bucket(
            str(settings.s3_endpoint_url),
            str(settings.s3_access_key),
            str(settings.s3_secret_key),
            settings.s3_bucket,
            settings.s3_region,
            deadline_s=settings.deadline_s,
        )

    def _use_private(self, wanted: str, *, postgres: bool = False, s3: bool = False) -> None:
        if self.settings.embedded == "never":
            raise UsageError(f"{wanted} is not set: set it (see .env.example); private servers are switched off")
        self.say(
            f"{wanted} is not set: using the private server in {self.settings.home} ('fleettickets down' stops it)"
        )
        from fleettickets.demo import stack  # noqa: PLC0415  # only where no address is set

        running = stack.up(self.home, postgres=postgres, s3=s3, bucket=self.settings.s3_bucket, say=self.say)
        self.settings = with_private(self.settings, running)


def with_private(settings: Settings, running: Any) -> Settings:  # noqa: ANN401  # demo.stack.Stack, imported late
    """The settings with the addresses of the running private servers filled in."""
    learn(running.database_url, running.s3 and running.s3.secret_key)
    if running.database_url and settings.database_url is None:
        settings = replace(settings, database_url=running.database_url)
    if running.s3 and settings.s3_endpoint_url is None:
        settings = replace(
            settings,
            s3_endpoint_url=running.s3.endpoint_url,
            s3_access_key=running.s3.access_key,
            s3_secret_key=running.s3.secret_key,
            s3_bucket=running.s3.bucket,
            s3_region=running.s3.region,
        )
    return settings


def instant(text: str) -> datetime:
    """An instant a person typed: ISO 8601; naive is East Africa Time, a date alone its midnight."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no time: write 2026-06-23T12:00 (East Africa Time) or with an offset") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=EAT)


def plural(n: int, noun: str) -> str:
    """'1 file', '2 files', '1,234 rows'."""
    return f"{n:,} {noun if n == 1 else re.sub('(?<![aeiou])y$', 'ie', noun) + 's'}"


def shown_time(moment: datetime | None) -> str:
    """An instant for a person, in East Africa Time."""
    return moment.astimezone(EAT).strftime("%a %d %b %Y %H:%M") if moment else "never"
