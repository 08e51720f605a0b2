"""fleettickets ingest: drain the export files of a dataset into the database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleettickets.commands.progress import follow
from fleettickets.commands.summary import show_reports
from fleettickets.datasets import DATASETS
from fleettickets.errors import BusyError, FleetticketsError, UsageError, printable
from fleettickets.report import RunReport
from fleettickets.source.files import Model

if TYPE_CHECKING:
    from fleettickets.commands.app import App
    from fleettickets.pipeline import Order
    from fleettickets.source.files import Source


@click.command()
@click.argument("dataset", type=click.Choice([*DATASETS, "all"]))
@click.option("--from-bucket", is_flag=True, help="Read the bucket (the default).")
@click.option("--csv", "csv_file", metavar="FILE", help="Read one CSV file.")
@click.option("--dir", "folder", metavar="FOLDER", help="Read every CSV file of a folder.")
@click.option("--apply", is_flag=True, help="Commit and archive; without it everything is tried and rolled back.")
@click.option("--reseed", is_flag=True, help="Forget the watermark and the ledger first; tickets stay.")
@click.option("--snapshots", is_flag=True, help="Older model: full snapshots, only the newest is read.")
@click.option("--until", metavar="KEY", help="Stop after the file of this name.")
@click.option("--max-bad", metavar="N|P%", help="Exit 3 when more rows than this are rejected.")
@click.option("--max-files-per-tx", default=1, show_default=True, type=click.IntRange(1), help="Files a transaction.")
@click.pass_obj
def command(  # noqa: PLR0913  # one parameter an option
    app: App,
    *,
    dataset: str,
    from_bucket: bool,
    csv_file: str | None,
    folder: str | None,
    apply: bool,
    reseed: bool,
    snapshots: bool,
    until: str | None,
    max_bad: str | None,
    max_files_per_tx: int,
) -> int:
    """Drain the export files of a dataset into the database; a dry run unless --apply."""
    if sum(map(bool, (from_bucket, csv_file, folder))) > 1:
        raise UsageError("give one of --from-bucket, --csv FILE and --dir FOLDER")
    from fleettickets.pipeline import Order  # noqa: PLC0415  # psycopg is loaded when it is needed

    chosen = list(DATASETS.values()) if dataset == "all" else [DATASETS[dataset]]
    orders = [
        Order(
            one,
            "ingest",
            apply=apply,
            reseed=reseed,
            model=Model.SNAPSHOTS if snapshots else Model.CHANGES,
            until=_until(until),
            max_files_per_tx=max_files_per_tx,
            deadline_s=app.settings.deadline_s,
        )
        for one in chosen
    ]
    return ingest(app, orders, csv_file, folder=folder, max_bad=max_bad)


def ingest(
    app: App, orders: list[Order], csv_file: str | None, *, folder: str | None = None, max_bad: str | None = None
) -> int:
    """Run the orders one after the other and show what they did; the worst exit code."""
    from fleettickets.pipeline import ingest as drain  # noqa: PLC0415  # psycopg is loaded when it is needed

    gate = _gate(max_bad)
    connect = app.connector()
    source = _source(app, csv_file, folder)
    reports: list[RunReport] = []
    for order in orders:
        try:
            with follow(app, order.dataset.name) as watcher:
                report = drain(order, source, connect, app.now, watcher)
        except FleetticketsError as error:
            if len(orders) == 1 or not (reports or isinstance(error, BusyError)):
                raise  # there is nothing to report beside the error itself
            report = RunReport(order.dataset.name, order.apply, exit_code=error.exit_code, error=str(error))
        _judge(report, gate)
        reports.append(report)
        if report.exit_code in (130, 143):
            break
    app.answer({"runs": [report.as_dict() for report in reports]}, lambda: show_reports(reports))
    for report in reports:
        if report.error:
            click.echo(f"fleettickets: {report.dataset}: {printable(report.error)}", err=True)
    # Of two failures the larger code; a stream that is merely busy must not hide one that failed.
    return max((report.exit_code for report in reports), key=lambda code: (code not in (0, 6), code), default=0)


def _source(app: App, csv_file: str | None, folder: str | None) -> Source:
    path = csv_file or folder
    if path is None:
        return app.bucket()
    from fleettickets.source.folder import Folder  # noqa: PLC0415  # one of two sources

    if not Path(path).exists():
        raise UsageError(f"{path} does not exist: give the path of a {'CSV export' if csv_file else 'folder'}")
    if csv_file and Path(path).is_dir():
        raise UsageError(f"{path} is a folder: give the path of a CSV export, or the folder with --dir")
    if folder and Path(path).is_file():
        raise UsageError(f"{path} is a file: give a folder, or the file with --csv")
    return Folder(Path(path))


def _until(key: str | None) -> str | None:
    """A key, a name, or the beginning of one; a word that sorts behind every name would stop nothing."""
    if key is not None and not re.fullmatch(r"\d{4}-\d\d(-\d\d(T[\d-]*(\.csv)?)?)?", key.rpartition("/")[2]):
        raise UsageError(f"--until {key!r} is no name of an export: give one like 2026-06-22T15-50-39.csv, or a day")
    return key


def _gate(max_bad: str | None) -> tuple[float, bool] | None:
    """The limit and whether it is a percentage."""
    if max_bad is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", max_bad.strip())
    if match is None:
        raise UsageError(f"--max-bad {max_bad!r}: give a number of rows (10) or a share (0.5%)")
    return float(match[1]), bool(match[2])


def _judge(report: RunReport, gate: tuple[float, bool] | None) -> None:
    if gate is None or report.exit_code != 0:
        return
    limit, is_share = gate
    bad = 100 * report.rows.rejected / max(report.rows.read, 1) if is_share else report.rows.rejected
    if bad > limit:
        report.exit_code = 3
        report.error = f"{report.rows.rejected} rows were rejected, more than --max-bad allows"
