"""fleettickets demo: the whole story in a private playground; and the export simulator alone."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleettickets.commands.app import instant, plural, shown_time
from fleettickets.commands.progress import NOBODY, follow
from fleettickets.commands.summary import show_reports
from fleettickets.datasets import DATASETS
from fleettickets.errors import FleetticketsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fleettickets.commands.app import App
    from fleettickets.demo.export import Plan
    from fleettickets.demo.play import Agreement, Demo
    from fleettickets.report import RunReport

_ROWS = 34_849
_DAYS = 40


@click.group(invoke_without_command=True)
@click.option("--rows", default=_ROWS, show_default=True, type=click.IntRange(1), help="Rows of each baseline.")
@click.option("--days", default=_DAYS, show_default=True, type=click.IntRange(0), help="Days of hourly deltas.")
@click.option("--seed", default=1, show_default=True, help="The same seed tells the same story.")
@click.option("--exit", "leave", is_flag=True, help="Stop after the summary instead of feeding on.")
@click.option("--every", "pause_s", default=5.0, show_default=True, help="Seconds between two live deltas.")
@click.option("--port", default=8080, show_default=True, help="Port of the map; another one if it is taken.")
@click.option("--no-browser", is_flag=True, help="Do not open the map in a browser.")
@click.option("--keep", metavar="FOLDER", help="Play in this folder and leave it, servers running, at the end.")
@click.pass_context
def command(  # noqa: PLR0913  # one parameter an option
    ctx: click.Context,
    *,
    rows: int,
    days: int,
    seed: int,
    leave: bool,
    pause_s: float,
    port: int,
    no_browser: bool,
    keep: str | None,
) -> None:
    """From nothing to the live map, in a private playground that is removed at the end."""
    if ctx.invoked_subcommand:
        return
    from fleettickets.demo.play import Demo  # noqa: PLC0415  # its imports are the demo's alone

    app: App = ctx.obj
    home = Path(keep).absolute() if keep else app.home / "demo"
    if keep and home.exists() and any(home.iterdir()):
        raise UsageError(f"--keep {keep}: the folder is not empty; give a new one")
    demo = Demo(home, app.now, rows, days, seed, app.say)
    app.say(f"A private PostgreSQL and S3 server start in {home}; {_ending(keep)}")
    try:
        _play(app, demo, leave=leave, pause_s=pause_s, port=port, browser=not no_browser)
    finally:
        if not keep:
            demo.remove()
            app.say(f"stopped both servers and removed {home}")
    if keep:
        app.say(f"the servers still run: FLEETTICKETS_HOME={home} fleettickets status; ... down stops them")


def _ending(keep: str | None) -> str:
    return "they stay until 'fleettickets down'" if keep else "Ctrl-C stops and removes them"


def _play(app: App, demo: Demo, *, leave: bool, pause_s: float, port: int, browser: bool) -> None:
    import sys  # noqa: PLC0415  # beside its only use
    import webbrowser  # noqa: PLC0415  # the same

    from fleettickets.demo.play import disagreements  # noqa: PLC0415  # the demo's alone

    demo.start()
    counts = demo.export(partial(follow, app))
    reports = demo.drain(partial(follow, app))
    again = demo.drain(partial(follow, app), again=True)
    demo.geocode()
    demo.drive()
    with demo.website(port) as url:
        agreements = demo.agreements(counts) + demo.served(url, counts)
        sources = demo.by_geo_source()
        document = {**_document(demo, counts, reports, again, agreements), "open_by_geo_source": sources, "url": url}
        app.answer(document, lambda: _show(reports, again, agreements, sources))
        if disagreements(agreements):
            raise FleetticketsError("the database and the simulator disagree: see the numbers above")
        if not leave and not app.as_json:
            app.say(f"\nthe map is at {url}")
            if browser and sys.stderr.isatty():
                webbrowser.open(url)
            _feed_on(app, demo, pause_s)


def _feed_on(app: App, demo: Demo, pause_s: float) -> None:
    app.say(f"\nfeeding on: every {pause_s:g} s the clock runs an hour and both exports write a delta (Ctrl-C ends)")
    demo.say = lambda _: None
    try:
        for reports in demo.live(pause_s, lambda _: nullcontext(NOBODY)):
            parts = (
                f"{report.dataset}: {report.rows.new} new, {report.rows.changed} changed, {report.rows.alarm} alarms"
                for report in reports
            )
            app.say(f"{shown_time(demo.now)}  {'  |  '.join(parts)}")
    except KeyboardInterrupt:
        app.say("")


def _document(
    demo: Demo,
    counts: dict[str, Any],
    reports: Sequence[RunReport],
    again: Sequence[RunReport],
    agreements: Sequence[Agreement],
) -> dict[str, Any]:
    return {
        "steps": [{"step": what, "duration_s": round(took_s, 3)} for what, took_s in demo.steps],
        "written": {name: {"files": count.files, "rows": count.rows} for name, count in counts.items()},
        "runs": [report.as_dict() for report in reports],
        "second_run_rows": sum(report.rows.read for report in again),
        "agreements": [{"what": one.what, "written": one.written, "found": one.found} for one in agreements],
    }


def _show(
    reports: Sequence[RunReport],
    again: Sequence[RunReport],
    agreements: Sequence[Agreement],
    sources: dict[str, int],
) -> None:
    click.echo()
    show_reports(reports)
    files = sum(report.files.total() for report in again)
    rows = sum(report.rows.read for report in again)
    click.echo(f"\na second run found {plural(files, 'new file')} and read {plural(rows, 'row')}\n")
    click.echo(f"{'':<40} {'simulator':>10} {'database':>10}")
    for one in agreements:
        verdict = "agree" if one.written == one.found else "DIFFER"
        click.echo(f"{one.what:<40} {one.written:>10,} {one.found:>10,}  {verdict}")
    points = ", ".join(f"{source} {n:,}" for source, n in sorted(sources.items()))
    click.echo(f"\nopen tickets by the source of their point: {points}")


@command.command("export")
@click.option(
    "--dataset", default="all", type=click.Choice([*DATASETS, "all"]), show_default=True, help="Which stream."
)
@click.option("--rows", default=_ROWS, show_default=True, type=click.IntRange(1), help="Rows of the baseline.")
@click.option("--days", default=_DAYS, show_default=True, type=click.IntRange(0), help="Days of deltas.")
@click.option("--seed", default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--end", metavar="TIME", help="Time of the newest delta (default: now).")
@click.option("--every-minutes", default=60, show_default=True, type=click.IntRange(1), help="Minutes between deltas.")
@click.option("--plain", is_flag=True, help="No odd rows: no sentinels, no ticket without a cluster.")
@click.option("--out", metavar="FOLDER", help="Write files below this folder instead of the bucket.")
@click.option("--pace", "pause_s", default=0.0, help="Seconds to wait between two files (live); 0 writes at once.")
@click.pass_obj
def export_command(  # noqa: PLR0913  # one parameter an option
    app: App,
    *,
    dataset: str,
    rows: int,
    days: int,
    seed: int,
    end: str | None,
    every_minutes: int,
    plain: bool,
    out: str | None,
    pause_s: float,
) -> None:
    """Write a baseline and deltas in the exact format of the feed, to the bucket or a folder."""
    from fleettickets.demo import export  # noqa: PLC0415  # the simulator's own imports

    chosen = list(DATASETS.values()) if dataset == "all" else [DATASETS[dataset]]
    moment = instant(end) if end else app.now
    plans = [
        export.Plan(one, rows=rows, days=days, seed=seed, end=moment, every_minutes=every_minutes, quirks=not plain)
        for one in chosen
    ]
    written = [_write(app, plan, out, pause_s) for plan in plans]
    app.answer({"written": written}, lambda: _show_written(written, out))


def _write(app: App, plan: Plan, out: str | None, pause_s: float) -> dict[str, Any]:
    """Write one stream; what was written, and where its tickets stand by the simulator's own count."""
    from dataclasses import asdict  # noqa: PLC0415  # beside its only use

    from fleettickets.demo import export  # noqa: PLC0415  # the simulator's own imports

    app.say(f"{plan.dataset.name}: writing {plan.deltas + 1:,} files")
    files = export.files(plan)
    if out:
        export.write_folder(_paced(files, pause_s), Path(out))
    else:
        bucket = app.bucket()
        export.upload(files, bucket.client, bucket.name, pause_s=pause_s)
    return {"dataset": plan.dataset.name, **asdict(export.count(export.files(plan)))}


def _paced(files: Iterable[Any], pause_s: float) -> Iterable[Any]:
    import time  # noqa: PLC0415  # beside its only use

    for file in files:
        yield file
        time.sleep(pause_s)


def _show_written(written: list[dict[str, Any]], out: str | None) -> None:
    for one in written:
        click.echo(
            f"{one['dataset']}: {one['files']:,} files, {one['rows']:,} rows, {one['tickets']:,} tickets, "
            f"{one['open']:,} open, {one['alarms']:,} alarm rows, {one['sentinels']} sentinels "
            f"in {out or 'the bucket'}"
        )
