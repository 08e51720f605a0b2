"""Golden runs: every command line that deployments, cron and people type, verbatim, against real servers."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from feed import closed, key, sheet, ticket
from psycopg import sql

from fleettickets.config import OPTIONS
from fleettickets.datasets import CRQ, DATASETS, INC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection
    from fleettickets.source.bucket import Bucket

    Shell = Callable[..., Any]

FIRST, SECOND = "2024-06-22 06:00:00", "2024-06-22 07:00:00"
CANARY = "c4n4ry-S3cret"
NOW = ("--now", "2024-06-22T12:00")

RUN_INGEST = ("./run_ingest.sh",)
BUCKET_IMPORTERS = [
    ("inc", ("python", "-m", "inc.import_inc", "--from-bucket")),
    ("crq", ("python", "-m", "crq.import_crq", "--from-bucket")),
    ("inc", ("python", "import_tickets.py", "--from-bucket")),
    ("inc", ("fleettickets", "ingest", "inc", "--from-bucket")),
    ("inc crq", ("fleettickets", "ingest", "all")),
    ("inc crq", RUN_INGEST),
]
FILE_IMPORTERS = [
    (INC, ("python", "-m", "inc.import_inc", "--inc-csv")),
    (CRQ, ("python", "-m", "crq.import_crq", "--crq-csv")),
    (INC, ("python", "import_tickets.py", "--inc-csv")),
    (CRQ, ("fleettickets", "ingest", "crq", "--csv")),
]
AS_TYPED: dict[str, Any] = {"ids": lambda value: " ".join(value) if isinstance(value, tuple) else ""}


def baseline(dataset: Dataset) -> bytes:
    """Four rows: three tickets and an alarm."""
    name = dataset.name.upper()
    alarm = ticket(f"{name}-9", is_alarm="true")
    return sheet([ticket(f"{name}-1"), ticket(f"{name}-2"), closed(f"{name}-3"), alarm])


def delta(dataset: Dataset) -> bytes:
    """Two rows: one ticket that was closed and a new one."""
    name = dataset.name.upper()
    return sheet([closed(f"{name}-1"), ticket(f"{name}-4")])


def put(bucket: Bucket, at: str, body: bytes) -> None:
    """Upload one file."""
    bucket.client.put_object(Bucket=bucket.name, Key=at, Body=body)


def fill(bucket: Bucket) -> None:
    """A baseline and a delta of both datasets."""
    for dataset in DATASETS.values():
        put(bucket, key(dataset, FIRST), baseline(dataset))
        put(bucket, key(dataset, SECOND), delta(dataset))


def objects(bucket: Bucket) -> dict[str, str]:
    """Every key with its ETag."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


OF_RUNS = ("runs", "inc_daily_snapshot", "crq_daily_snapshot")
"""What tells of runs: each run that finds nothing new is one more, and looks at today's backlog once more."""


def contents(connection: Connection, *, without: Iterable[str] = ()) -> dict[str, list[str]]:
    """Every row of every table of ours, as text."""
    found = {}
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'tickets' ORDER BY 1").fetchall()
    for (table,) in tables:
        if table not in without:
            query = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier("tickets", table))
            found[table] = [row for (row,) in connection.execute(query)]
    return found


def tickets(connection: Connection, dataset: Dataset) -> dict[str, str]:
    """Each ticket's id with its bucket: pending or closed."""
    query = sql.SQL("SELECT ticket_id, bucket FROM {}").format(sql.Identifier(*dataset.table))
    return dict(connection.execute(query).fetchall())


def loaded(dataset: Dataset) -> dict[str, str]:
    """The tickets after baseline and delta."""
    name = dataset.name.upper()
    return {f"{name}-1": "closed", f"{name}-2": "pending", f"{name}-3": "closed", f"{name}-4": "pending"}


def numbers(out: str) -> dict[str, list[str]]:
    """The summary as a person reads it: label, then one value a dataset."""
    lines = (re.split(r"\s{2,}", line.strip()) for line in out.splitlines())
    return {label: values for label, *values in lines}


def test_run_migrations_builds_the_schema_once(shell: Shell, empty_database_url: str) -> None:
    """`python run_migrations.py` on a fresh database applies all, and again finds nothing to do."""
    env = {"DATABASE_URL": empty_database_url}
    assert shell("fleettickets", "migrate", "--check", env=env).exit_code == 5
    first = shell("python", "run_migrations.py", env=env)
    names = sorted(path.name for path in Path(__file__).parents[2].glob("migrations/*.sql"))
    expected = [*(f"applied: migrations/{name}" for name in names), "applied: sql/ (functions and views)"]
    assert (first.exit_code, first.out.splitlines(), first.err) == (0, expected, "")
    again = shell("python", "run_migrations.py", env=env)
    assert (again.exit_code, again.out, again.err) == (0, "the schema is up to date\n", "")
    check = shell("fleettickets", "migrate", "--check", env=env)
    assert (check.exit_code, check.out, check.err) == (0, "the schema is up to date\n", "")


@pytest.mark.parametrize(
    ("names", "line"),
    [
        *((names, line) for names, line in BUCKET_IMPORTERS if line != RUN_INGEST),
        *((names, (*line, "--reseed")) for names, line in BUCKET_IMPORTERS if line[0] == "python"),
    ],
    **AS_TYPED,
)
def test_a_dry_run_changes_nothing_and_prints_the_difference(
    shell: Shell, bucket: Bucket, connection: Connection, names: str, line: tuple[str, ...]
) -> None:
    """Without --apply the database and the bucket stay as they are, byte for byte."""
    fill(bucket)
    before = contents(connection), objects(bucket)
    done = shell(*line)
    assert done.exit_code == 0
    assert (contents(connection), objects(bucket)) == before
    assert done.out.splitlines()[0].strip() == "dry run: what --apply would do"
    n = len(names.split())
    shown = numbers(done.out)
    assert shown["files applied"] == ["2"] * n
    assert (shown["rows read"], shown["new"], shown["changed"]) == (["6"] * n, ["4"] * n, ["1"] * n)
    assert (shown["alarms, dropped"], shown["files archived"]) == (["1"] * n, ["2"] * n)
    assert shown["watermark from"] == ["(none)"] * n
    assert shown["watermark to"] == ["2024-06-22T07-00-00"] * n


@pytest.mark.parametrize(("names", "line"), BUCKET_IMPORTERS, **AS_TYPED)
def test_apply_loads_and_archives_and_a_second_run_does_nothing(
    shell: Shell, bucket: Bucket, connection: Connection, names: str, line: tuple[str, ...]
) -> None:
    """With --apply the files are in the table and moved to processed/; the next run finds nothing new."""
    line = line if line == RUN_INGEST else (*line, "--apply")
    fill(bucket)
    first = shell(*line)
    assert first.exit_code == 0
    for name, dataset in DATASETS.items():
        folder = dataset.processed if name in names else dataset.changes
        assert tickets(connection, dataset) == (loaded(dataset) if name in names else {})
        assert {at for at in objects(bucket) if f"/{name}/" in at} == {
            f"{folder}2024-06-22T{hour}-00-00.csv" for hour in ("06", "07")
        }
    after = contents(connection, without=OF_RUNS), objects(bucket)
    again = shell(*line)
    assert again.exit_code == 0
    assert numbers(again.out)["rows read"][0] == "0"
    assert (contents(connection, without=OF_RUNS), objects(bucket)) == after
    runs = connection.execute("SELECT dataset, count(*), max(exit_code) FROM tickets.runs GROUP BY dataset").fetchall()
    assert sorted(runs) == sorted((name, 2, 0) for name in names.split())


@pytest.mark.parametrize("line", [BUCKET_IMPORTERS[0][1], BUCKET_IMPORTERS[3][1]], **AS_TYPED)
def test_reseed_reads_again_and_keeps_the_tickets(
    shell: Shell, bucket: Bucket, connection: Connection, line: tuple[str, ...]
) -> None:
    """`--reseed --apply` forgets the watermark and the ledger; a file put back is read as the baseline."""
    fill(bucket)
    assert shell(*line, "--apply").exit_code == 0
    put(bucket, key(INC, FIRST), baseline(INC))
    done = shell(*line, "--reseed", "--apply")
    assert done.exit_code == 0
    assert tickets(connection, INC) == loaded(INC)
    assert numbers(done.out)["watermark to"] == ["2024-06-22T06-00-00"]
    assert connection.execute(
        "SELECT export_type FROM tickets.import_files WHERE dataset = 'inc' AND state = 'applied'"
    ).fetchall() == [("baseline",)]


@pytest.mark.parametrize(("dataset", "line"), FILE_IMPORTERS, **AS_TYPED)
def test_one_csv_is_tried_and_then_loaded(
    shell: Shell, bucket: Bucket, connection: Connection, tmp_path: Path, dataset: Dataset, line: tuple[str, ...]
) -> None:
    """A file by hand: rolled back without --apply, loaded with it, left where it is; no bucket is asked."""
    path = tmp_path / "by hand.csv"
    path.write_bytes(baseline(dataset))
    no_bucket = {"RUSTFS_ENDPOINT_URL": None}
    before = contents(connection), objects(bucket)
    dry = shell(*line, str(path), env=no_bucket)
    assert (dry.exit_code, numbers(dry.out)["new"]) == (0, ["3"])
    assert (contents(connection), objects(bucket)) == before
    first = shell(*line, str(path), "--apply", env=no_bucket)
    assert (first.exit_code, numbers(first.out)["new"]) == (0, ["3"])
    assert len(tickets(connection, dataset)) == 3
    again = shell(*line, str(path), "--apply", env=no_bucket)
    assert (again.exit_code, numbers(again.out)["rows read"]) == (0, ["0"])
    assert path.read_bytes() == baseline(dataset)


def test_run_ingest_reads_the_env_file_beside_it(
    shell: Shell, bucket: Bucket, connection: Connection, database_url: str, tmp_path: Path
) -> None:
    """The settings may stand in .env only, and extra arguments go to both importers."""
    script = tmp_path / "run_ingest.sh"
    script.write_bytes((Path(__file__).parents[2] / "run_ingest.sh").read_bytes())
    script.chmod(0o755)
    (tmp_path / ".env").write_text(f"DATABASE_URL='{database_url}'\nFLEETTICKETS_HOME='a b$c&d'\n", encoding="utf-8")
    fill(bucket)
    done = shell("./run_ingest.sh", "--json", env={"DATABASE_URL": None}, cwd=tmp_path)
    assert done.exit_code == 0
    runs = [run for line in done.out.splitlines() for run in json.loads(line)["runs"]]
    assert [(run["dataset"], run["rows"]["new"]) for run in runs] == [("inc", 4), ("crq", 4)]
    assert tickets(connection, CRQ) == loaded(CRQ)


@pytest.mark.parametrize(
    "line",
    [
        ("fleettickets", "--json", "ingest", "all", "--apply"),
        pytest.param(
            ("fleettickets", "ingest", "all", "--apply", "--json"),
        ),
    ],
    **AS_TYPED,
)
def test_json_is_one_document(shell: Shell, bucket: Bucket, line: tuple[str, ...]) -> None:
    """On stdout stands one JSON document and nothing else; progress goes to stderr."""
    fill(bucket)
    done = shell(*line)
    assert done.exit_code == 0
    assert done.out.count("\n") == 1
    runs = {run["dataset"]: run for run in json.loads(done.out)["runs"]}
    assert set(runs) == {"inc", "crq"}
    for dataset in DATASETS.values():
        run = runs[dataset.name]
        rows = run["rows"]
        assert rows["read"] == 6 == sum(n for name, n in rows.items() if name != "read")
        assert (run["applied"], run["exit_code"], run["error"]) == (True, 0, None)
        assert run["files"] == {"applied": 2}
        assert run["archived"] == run["to_archive"] == 2
        assert run["watermark"] == {"from": None, "to": key(dataset, SECOND)}


def test_quiet_prints_nothing(shell: Shell, bucket: Bucket) -> None:
    """-q is for cron that mails what is printed."""
    fill(bucket)
    done = shell("fleettickets", "-q", "ingest", "all", "--apply")
    assert (done.exit_code, done.out, done.err) == (0, "", "")


def test_of_full_snapshots_only_the_newest_is_read(shell: Shell, bucket: Bucket, connection: Connection) -> None:
    """--snapshots: the newest is loaded, the same ETag is skipped, all are moved to processed/."""
    names = [f"2024-06-22T{hour}-00-00.csv" for hour in ("06", "07", "08", "09")]
    put(bucket, INC.root + names[0], sheet([ticket("INC-OLD")]))
    put(bucket, INC.root + names[1], baseline(INC))
    run = ("fleettickets", "--json", "ingest", "inc", "--snapshots", "--apply")
    first = shell(*run)
    assert first.exit_code == 0
    assert json.loads(first.out)["runs"][0]["files"] == {"superseded": 1, "applied": 1}
    assert set(tickets(connection, INC)) == {"INC-1", "INC-2", "INC-3"}
    assert set(objects(bucket)) == {INC.processed + name for name in names[:2]}

    put(bucket, INC.root + names[2], baseline(INC))
    same = shell(*run)
    assert same.exit_code == 0
    assert json.loads(same.out)["runs"][0]["rows"]["read"] == 0
    assert set(objects(bucket)) == {INC.processed + name for name in names[:3]}

    put(bucket, INC.root + names[3], delta(INC))
    older = shell("python", "-m", "inc.import_inc", "--from-bucket", "--snapshots", "--apply")
    assert older.exit_code == 0
    assert tickets(connection, INC) == loaded(INC)
    assert set(objects(bucket)) == {INC.processed + name for name in names}


def test_until_stops_after_the_file_of_that_name(shell: Shell, bucket: Bucket, connection: Connection) -> None:
    """What lies behind it stays pending, and the next run takes it."""
    fill(bucket)
    for at in (key(INC, FIRST), "2024-06-22T06-00-00.csv"):
        done = shell("fleettickets", "ingest", "inc", "--until", at, "--apply")
        assert done.exit_code == 0
        assert set(tickets(connection, INC)) == {"INC-1", "INC-2", "INC-3"}
        assert key(INC, SECOND) in objects(bucket)
    assert shell("fleettickets", "ingest", "inc", "--apply").exit_code == 0
    assert tickets(connection, INC) == loaded(INC)


@pytest.mark.parametrize(
    ("limit", "exit_code"), [("1", 3), ("2", 0), ("24.9%", 3), ("25%", 0)], ids=["1", "2", "24.9%", "25%"]
)
def test_max_bad_is_the_most_rows_that_may_be_rejected(
    shell: Shell, bucket: Bucket, connection: Connection, limit: str, exit_code: int
) -> None:
    """Two of eight rows are bad: one more than the limit is exit 3; what was good is loaded all the same."""
    bad = b'"only","three","cells"\n' * 2
    put(bucket, key(INC, FIRST), sheet(ticket(f"INC-{n}") for n in range(6)) + bad)
    done = shell("fleettickets", "ingest", "inc", "--apply", "--max-bad", limit)
    assert done.exit_code == exit_code
    assert ("more than --max-bad allows" in done.err) == (exit_code == 3)
    assert len(tickets(connection, INC)) == 6


def test_several_files_a_transaction_give_the_same_table(shell: Shell, bucket: Bucket, connection: Connection) -> None:
    """--max-files-per-tx 5 ends where 1 does: the same rows, each written by the same file and line."""
    draw = random.Random(5)
    for minute in range(12):
        chosen = draw.choices(range(20), k=8)
        rows = [draw.choice([ticket, closed])(f"T-{n}", owner=f"{minute}-{at}") for at, n in enumerate(chosen)]
        for dataset in DATASETS.values():
            put(bucket, key(dataset, f"2024-06-22 06:{minute:02}:00"), sheet(rows))
    assert shell("fleettickets", "ingest", "inc", "--apply").exit_code == 0
    assert shell("fleettickets", "ingest", "crq", "--apply", "--max-files-per-tx", "5").exit_code == 0
    one, five = (
        connection.execute(
            sql.SQL(
                "SELECT ticket_id, raw, geo_source, source_exported_at, source_etag, source_line FROM {} ORDER BY 1"
            ).format(sql.Identifier(*dataset.table))
        ).fetchall()
        for dataset in (INC, CRQ)
    )
    assert one == five
    assert len(one) > 15
    ledger = "SELECT sum(rows_read), sum(rows_new), sum(rows_changed) FROM tickets.import_files GROUP BY dataset"
    assert len(set(connection.execute(ledger).fetchall())) == 1


@pytest.mark.parametrize("below", ["", "automations/inc/changes/"], ids=["flat", "laid out like the bucket"])
def test_a_folder_is_read_in_order_of_time(shell: Shell, connection: Connection, tmp_path: Path, below: str) -> None:
    """--dir reads every CSV file and leaves it where it is."""
    folder = tmp_path / "exports" / below
    folder.mkdir(parents=True)
    for when, body in ((SECOND, delta(INC)), (FIRST, baseline(INC))):
        (folder / key(INC, when).rpartition("/")[2]).write_bytes(body)
    (folder / "readme.txt").write_text("not an export", encoding="utf-8")
    done = shell("fleettickets", "ingest", "inc", "--dir", str(tmp_path / "exports"), "--apply")
    assert (done.exit_code, numbers(done.out)["files applied"]) == (0, ["2"])
    assert tickets(connection, INC) == loaded(INC)
    assert len(list(folder.iterdir())) == 3


def test_status_tells_the_clocks_and_the_backlog(shell: Shell, bucket: Bucket) -> None:
    """One screen for people, one document for programs, the same numbers in both."""
    fill(bucket)
    empty = shell("fleettickets", *NOW, "status")
    assert (empty.exit_code, empty.err, numbers(empty.out)["last file"]) == (0, "", ["never", "never"])
    assert shell("fleettickets", "ingest", "all", "--apply").exit_code == 0
    screen = shell("fleettickets", *NOW, "status")
    assert (screen.exit_code, screen.err) == (0, "")
    assert screen.out.startswith("now Sat 22 Jun 2024 12:00 EAT\n")
    shown = numbers(screen.out)
    assert shown["open tickets"] == shown["files applied"] == ["2", "2"]
    assert shown["last file"] == ["Sat 22 Jun 2024 07:00"] * 2
    document = json.loads(shell("fleettickets", *NOW, "status", "--json").out)
    for name in DATASETS:
        stream = document["datasets"][name]
        assert (stream["backlog"]["open"], stream["files"]["applied"]) == (2, 2)
        assert [run["exit_code"] for run in stream["last_runs"]] == [0]


def test_config_show_tells_origins_and_no_secret(shell: Shell, tmp_path: Path) -> None:
    """Each setting with its place; secrets are stars wherever they come from."""
    (tmp_path / ".env").write_text(f"RUSTFS_ACCESS_KEY={CANARY}\nRUSTFS_REGION=nairobi\n", encoding="utf-8")
    (tmp_path / "fleettickets.toml").write_text(f"s3_secret_key = '{CANARY}'\nhome = 'below'\n", encoding="utf-8")
    env = dict.fromkeys(("RUSTFS_ACCESS_KEY", "RUSTFS_SECRET_KEY", "RUSTFS_BUCKET"))
    env |= {"DATABASE_URL": f"postgresql://u:{CANARY}@h/d", "FLEETTICKETS_S3_ENDPOINT_URL": "http://127.0.0.1:1"}
    done = shell("fleettickets", "config", "show", "--origin", env=env, cwd=tmp_path)
    assert (done.exit_code, done.err) == (0, "")
    shown = {name: tuple(rest) for name, *rest in (re.split(r" {2,}", line) for line in done.out.splitlines())}
    assert set(shown) == {option.name for option in OPTIONS}
    expected = {
        "database_url": ("********", "(environment)"),
        "s3_endpoint_url": ("http://127.0.0.1:1", "(environment)"),
        "s3_access_key": ("********", "(.env)"),
        "s3_secret_key": ("********", "(fleettickets.toml)"),
        "s3_bucket": ("isptickets", "(default)"),
        "s3_region": ("nairobi", "(.env)"),
        "embedded": ("never", "(environment)"),
        "home": ("below", "(fleettickets.toml)"),
        "deadline_s": ("60.0", "(default)"),
        "geocoder_api_key": ("(not set)", "(default)"),
    }
    assert {name: shown[name] for name in expected} == expected


def test_demo_export_writes_the_same_bytes_again(shell: Shell, tmp_path: Path) -> None:
    """The same rows, days, seed and end are the same files, and they load without a rejected row."""
    line = ("fleettickets", "--json", "demo", "export", "--rows", "300", "--days", "1", "--end", "2024-06-22T12:00")
    folders = [tmp_path / name for name in ("one", "two", "other")]
    done = [shell(*line, "--out", str(folders[0])), shell(*line, "--out", str(folders[1]))]
    done.append(shell(*line, "--seed", "2", "--out", str(folders[2])))
    assert [one.exit_code for one in done] == [0, 0, 0]
    one, two, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.csv")} for folder in folders
    )
    assert one == two != other
    written = {each["dataset"]: each for each in json.loads(done[0].out)["written"]}
    assert sum(each["files"] for each in written.values()) == len(one) == 50
    drained = shell("fleettickets", "--json", "ingest", "all", "--dir", str(folders[0]), "--apply")
    assert drained.exit_code == 0
    for run in json.loads(drained.out)["runs"]:
        assert run["rows"]["rejected"] == 0
        assert run["rows"]["read"] - run["rows"]["sentinel"] == written[run["dataset"]]["rows"]


NOTHING_SET = dict.fromkeys(("DATABASE_URL", "RUSTFS_ENDPOINT_URL", "FLEETTICKETS_EMBEDDED"))
SMALL_DEMO = ("fleettickets", "demo", "--exit", "--no-browser", "--port", "0", "--rows", "500", "--days", "2")


def test_the_demo_agrees_with_its_simulator(shell: Shell, tmp_path: Path) -> None:
    """From nothing to tickets and back to nothing: both ends count the same."""
    done = shell(*SMALL_DEMO, "--json", env=NOTHING_SET, cwd=tmp_path)
    assert done.exit_code == 0, done.err
    document = json.loads(done.out)
    assert document["second_run_rows"] == 0
    assert len(document["agreements"]) == 10
    assert all(one["written"] == one["found"] for one in document["agreements"])
    assert "removed .fleettickets/demo" in done.err.splitlines()[-1]
    assert not (tmp_path / ".fleettickets").exists()


def test_the_demo_shows_its_map_before_the_deltas_and_can_be_kept(shell: Shell, tmp_path: Path) -> None:
    """One line at once, then the steps; the map comes before forty days of deltas. What it says to type works."""
    play = tmp_path / "scratch"
    play.mkdir()
    done = shell(*SMALL_DEMO, "--keep", "play", env=NOTHING_SET, cwd=play)
    assert done.exit_code == 0, done.err
    lines = [line for line in done.err.splitlines() if line]
    assert "Ctrl-C" not in lines[0]
    assert "in play, on this machine only; they stay until you stop them" in lines[0]
    order = ("and S3 server", "schema", "baselines of", "points of the clusters", "The map", "of deltas: 96 files")
    places = [next(n for n, line in enumerate(lines) if text in line and n) for text in order]
    assert places == sorted(places)
    told = re.findall(r"FLEETTICKETS_HOME=play fleettickets (status|down --remove)", lines[-1])
    assert told == ["status", "down --remove"]
    for command in told:
        again = shell("fleettickets", *command.split(), env={**NOTHING_SET, "FLEETTICKETS_HOME": "play"}, cwd=play)
        assert again.exit_code == 0, again.err
    assert list(play.iterdir()) == []
