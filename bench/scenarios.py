"""What is measured: five scenarios, every contender in turn, on one private stack, round after round."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from bench import feed
from bench.contenders import ENGINE, Contender, ContenderFailedError, Place, Sample, run
from bench.floor import Cleaner, Floor
from fleettickets.demo.export import count
from fleettickets.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fleettickets.demo.export import ExportFile
    from fleettickets.demo.stack import S3Access, Stack

BASELINE: Final = "baseline"
DELTA: Final = "delta"
BIG_DELTA: Final = "delta on the big table"
PENDING: Final = "50 pending deltas"
NO_OP: Final = "nothing new"
SCENARIOS: Final = (BASELINE, DELTA, BIG_DELTA, PENDING, NO_OP)
_TEMPLATE: Final = "migrated"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A table beside the truth: its rows by what is wrong with them."""

    tickets: int
    lost: int
    stale: int
    doubled: int
    alarms_missed: int
    """Stale as well, because the newest row of the ticket is an alarm and alarms were dropped."""


@dataclass(slots=True)
class Figures:
    """Everything measured in one run."""

    samples: dict[tuple[str, str], dict[int, Sample]] = field(default_factory=lambda: defaultdict(dict))
    """By scenario and contender, then by round: a run that failed has none."""
    floor_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    delta_rows: list[int] = field(default_factory=list)
    pending_rows: list[int] = field(default_factory=list)
    many: Sample | None = None
    """The engine with all of the last files pending at once."""
    many_files: int = 0


@dataclass(slots=True)
class Bench:
    """The stack, the files and where everybody stands."""

    stack: Stack
    folder: Path
    files: feed.Feed
    contenders: list[Contender]
    say: Callable[[str], None]
    figures: Figures = field(default_factory=Figures)
    _admin: psycopg.Connection[tuple[Any, ...]] = field(init=False)
    _small: dict[str, Place] = field(default_factory=dict)
    _big: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._admin = psycopg.connect(self._url("postgres"), autocommit=True)
        # The housekeeping of one contender must not fall into the time of the next.
        self._admin.execute("ALTER SYSTEM SET autovacuum = off")
        self._admin.execute("SELECT pg_reload_conf()")
        self._admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        with psycopg.connect(self._url(_TEMPLATE), autocommit=True) as connection:
            migrate(connection)

    def measure(self) -> Figures:
        """All rounds; one of the others that fails is called again in the next scenario, as cron would."""
        rows = [Cleaner(self.folder / name) for name in ("small", "big")]
        baselines = [rows[0].clean(self.files.baseline), rows[1].clean(self.files.big_baseline)]
        floors = [Floor(self._database(f"floor_{n}")) for n in range(3)]
        for floor, path in zip(floors[1:], baselines, strict=True):
            floor.load([path])
        self.contenders = [one for one in self.contenders if self._succeeds(one, self._prepare)]
        self._housekeeping()
        for n, files in enumerate(self.files.rounds):
            self.say(f"round {n + 1} of {len(self.files.rounds)}")
            cleaned = [[rows[0].clean(files.delta)], [rows[1].clean(files.delta)]]
            pending = [rows[0].clean(file) for file in files.pending]
            self.figures.delta_rows.append(feed.rows_of(files.delta))
            self.figures.pending_rows.append(sum(map(feed.rows_of, files.pending)))
            floors[0].empty()
            work = {
                BASELINE: (floors[0], [baselines[0]]),
                DELTA: (floors[1], cleaned[0]),
                BIG_DELTA: (floors[2], cleaned[1]),
                PENDING: (floors[1], pending),
                NO_OP: None,
            }
            for scenario, floor_work in work.items():
                self._in_turn(n, scenario, files, floor_work)
        for floor in floors:
            floor.close()
        self._check()
        self._many()
        return self.figures

    def _in_turn(
        self, n: int, scenario: str, files: feed.Round, floor_work: tuple[Floor, Sequence[Path]] | None
    ) -> None:
        """The floor and every contender once; who begins changes with the round."""
        runners: list[Contender | None] = [*self.contenders]
        if floor_work:
            runners.append(None)
        first = n % len(runners)
        for contender in runners[first:] + runners[:first]:
            if contender is None:
                self._admin.execute("CHECKPOINT")
                assert floor_work is not None  # noqa: S101  # None stands for the floor
                self.figures.floor_s[scenario].append(floor_work[0].load(floor_work[1]))
            else:
                self._succeeds(contender, partial(self._sample, n, scenario, files))

    def _sample(self, n: int, scenario: str, files: feed.Round, contender: Contender) -> None:
        place = self._small[contender.name]
        new: list[ExportFile] = []
        if scenario == BASELINE:
            place = self._place(contender, f"fresh_{n}")
            new = [self.files.baseline]
        elif scenario == DELTA:
            new = [files.delta]
        elif scenario == BIG_DELTA:
            place = self._big[contender.name]
            new = [files.delta]
        elif scenario == PENDING:
            new = files.pending
        place.put(new)
        self._admin.execute("CHECKPOINT")
        self.figures.samples[scenario, contender.name][n] = run(contender, place)
        if scenario == BASELINE:
            self._admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(place.folder.name)))

    def _prepare(self, contender: Contender) -> None:
        """Load the small and the big baseline, untimed."""
        for places, name, baseline in (
            (self._small, "small", self.files.baseline),
            (self._big, "big", self.files.big_baseline),
        ):
            places[contender.name] = place = self._place(contender, name)
            place.put([baseline])
            self.say(f"{contender.name}: {name} table loaded in {run(contender, place).wall_s:.1f} s")

    def _place(self, contender: Contender, name: str) -> Place:
        full_name = f"{contender.name.split()[0].lower()}_{name}"
        return Place.made(self._database(full_name), self._s3, full_name, self.folder)

    def _succeeds(self, contender: Contender, work: Callable[[Contender], None]) -> bool:
        """Tell whether it did; a failure of the engine itself ends the benchmark."""
        try:
            work(contender)
        except ContenderFailedError as error:
            if contender is ENGINE:
                raise
            self.say(f"{contender.name} failed: {error}")
            self.figures.failures[contender.name].append(str(error))
            return False
        return True

    def _check(self) -> None:
        """Compare each small table with the truth of the files it was given."""
        given = [self.files.baseline, *(file for one in self.files.rounds for file in (one.delta, *one.pending))]
        truth = feed.Truth()
        truth.read(given)
        if len(truth.newest) != (counted := count(given).tickets):
            raise ContenderFailedError(f"the truth has {len(truth.newest)} tickets, the simulator counts {counted}")
        for contender in self.contenders:
            with psycopg.connect(self._small[contender.name].database_url) as connection:
                found = connection.execute(contender.truth.encode()).fetchall()
            self.figures.verdicts[contender.name] = _verdict(found, truth)

    def _many(self) -> None:
        """Let the engine find many files at once: neither its memory nor a file's time may follow their number."""
        place = self._small[ENGINE.name]
        place.put(self.files.many)
        self.say(f"{len(self.files.many):,} files pending at once")
        self.figures.many = run(ENGINE, place)
        self.figures.many_files = len(self.files.many)

    def _housekeeping(self) -> None:
        """What autovacuum would have done after the baselines."""
        names = self._admin.execute("SELECT datname FROM pg_database WHERE datname ~ '_'").fetchall()
        for (name,) in names:
            with psycopg.connect(self._url(name), autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")

    @property
    def _s3(self) -> S3Access:
        assert self.stack.s3  # noqa: S101  # started by run.py
        return self.stack.s3

    def _database(self, name: str) -> str:
        """A new database with the schema in it; its address."""
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(_TEMPLATE))
        )
        return self._url(name)

    def _url(self, name: str) -> str:
        assert self.stack.database_url  # noqa: S101  # started by run.py
        return f"{self.stack.database_url.rpartition('/')[0]}/{name}"


def _verdict(found: Sequence[tuple[Any, ...]], truth: feed.Truth) -> Verdict:
    rows = dict(found)
    wrong = [is_alarm for one, (newest, is_alarm) in truth.newest.items() if one in rows and rows[one] != newest]
    return Verdict(
        tickets=len(truth.newest),
        lost=len(truth.newest.keys() - rows.keys()),
        stale=len(wrong),
        doubled=len(found) - len(rows),
        alarms_missed=sum(wrong),
    )
