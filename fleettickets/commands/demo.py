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
    from fleettickets.demo.agreement import Agreement
    from fleettickets.demo.export import Plan
    from fleettickets.demo.play import Demo
    from fleettickets.report import RunReport

_ROWS = 34_849
_DAYS = 40


@click.group(invoke_without_command=True)
@click.option("--rows", default=_ROWS, show_default=True, type=click.IntRange(1), help="Rows of each baseline.")
@click.option("--days", default=_DAYS, show_default=True, type=click.IntRange(0), help="Days of hourly deltas.")
@click.option("--seed", default=1, show_default=True, help="The same seed tells the same story.")
@click.option("--exit", "leave", is_flag=True, help="Stop after the summary instead of feeding on.")
@click.option(
    "--every", "pause_s", default=10.0, show_default=True, type=click.FloatRange(0), help="Seconds between two deltas."
)
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
    app: App = ctx.obj
    home = Path(keep).absolute() if keep else app.home / "demo"
    if keep and home.exists() and any(home.iterdir()):
        raise UsageError(f"--keep {keep}: the folder is not empty; give a new one")
    shown = _shown(home)
    app.say(f"The demo starts a private PostgreSQL and S3 server in {shown}, on this machine only; {_ending(keep)}")
    from fleettickets.demo.play import Demo  # noqa: PLC0415  # its imports are the demo's alone, and slow

    demo = Demo(home, app.now, rows, days, seed, app.say, _program(app, home))
    try:
        _play(app, demo, leave=leave or app.as_json, pause_s=pause_s, port=port, browser=not no_browser)
    finally:
        if not keep:
            _remove(app, demo)
    if keep:
        app.say(f"the servers still run: {demo.program} status; {demo.program} down --remove ends them")


def _ending(keep: str | None) -> str:
    return "they stay until you stop them" if keep else "Ctrl-C stops and removes them"


def _shown(path: Path) -> str:
    """The path as one types it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _program(app: App, home: Path) -> str:
    """What to type in this folder to call fleettickets on the playground, whatever is set here."""
    import shlex  # noqa: PLC0415  # beside its only use
    import shutil  # noqa: PLC0415  # the same
    import sys  # noqa: PLC0415  # the same

    called = Path(sys.argv[0])
    on_path = shutil.which("fleettickets")
    program = "fleettickets" if on_path and called.exists() and Path(on_path).samefile(called) else _shown(called)
    if app.settings.database_url is None:
        return f"FLEETTICKETS_HOME={shlex.quote(_shown(home))} {shlex.quote(program)}"
    elsewhere = shlex.quote(str(home))  # where no .env leads to another database
    unset = "env -u DATABASE_URL -u FLEETTICKETS_DATABASE_URL"
    return f"cd {elsewhere} && {unset} FLEETTICKETS_HOME=. {shlex.quote(str(called.absolute()))}"


def _remove(app: App, demo: Demo) -> None:
    """Stop and remove everything; a second Ctrl-C does not leave half of it."""
    import contextlib  # noqa: PLC0415  # beside its only use
    import signal  # noqa: PLC0415  # the same

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    demo.remove()
    with contextlib.suppress(OSError):  # other servers of this folder live beside the demo's
        demo.home.parent.rmdir()
    app.say(f"stopped the web server, PostgreSQL and the S3 server, and removed {_shown(demo.home)}")


def _play(app: App, demo: Demo, *, leave: bool, pause_s: float, port: int, browser: bool) -> None:
    import time  # noqa: PLC0415  # beside its only use

    from fleettickets.demo.agreement import disagreements  # noqa: PLC0415  # the demo's alone

    began_s = time.monotonic()
    watch = partial(follow, app)
    demo.start()
    demo.begin(watch)
    with demo.website(port) as url:
        app.say(f"\nThe map, as it stood {demo.days} days ago: {url}   (after {time.monotonic() - began_s:.1f} s)")
        if browser and not leave:
            _open(url)
        app.say(f"Now {plural(demo.days, 'day')} of deltas run through behind it:\n")
        demo.replay(watch)
        demo.drive()
        again = demo.drain(watch)
        agreements = demo.check(url)
        sources = demo.by_geo_source()
        reports = [demo.reports[one.plan.dataset.name] for one in demo.exporters]
        document = {**_document(demo, reports, again, agreements), "open_by_geo_source": sources, "url": url}
        app.answer(document, lambda: _show(reports, again, agreements, sources))
        if disagreements(agreements):
            raise FleetticketsError("the database and the simulator disagree: see the numbers above")
        if not leave:
            _feed_on(app, demo, url, pause_s)


def _open(url: str) -> None:
    import sys  # noqa: PLC0415  # beside its only use
    import webbrowser  # noqa: PLC0415  # the same

    if sys.stderr.isatty():
        webbrowser.open(url)


def _feed_on(app: App, demo: Demo, url: str, pause_s: float) -> None:
    app.say(f"\nThe map: {url}\nWhy is a ticket late? Type in another terminal:\n  {demo.explain}")
    app.say(f"\nEvery {pause_s:g} s the clock runs an hour and both exports write a delta (Ctrl-C ends):")
    demo.say = lambda _: None
    try:
        for reports in demo.live(pause_s, lambda _: nullcontext(NOBODY)):
            app.say(f"{shown_time(demo.now)}  {'  |  '.join(_news(report) for report in reports)}")
    except KeyboardInterrupt:
        app.say("")


def _news(report: RunReport) -> str:
    if not report.files.total():
        return f"{report.dataset}: no file came"
    rows = report.rows
    return f"{report.dataset}: {rows.new} new, {rows.changed} changed, {rows.alarm} alarms"


def _document(
    demo: Demo, reports: Sequence[RunReport], again: Sequence[RunReport], agreements: Sequence[Agreement]
) -> dict[str, Any]:
    return {
        "steps": [{"step": what, "duration_s": round(took_s, 3)} for what, took_s in demo.steps],
        "written": {name: {"files": count.files, "rows": count.rows} for name, count in demo.counts().items()},
        "runs": [report.as_dict() for report in reports],
        "second_run_rows": sum(report.rows.read for report in again),
        "agreements": [{"what": one.what, "written": one.written, "found": one.found} for one in agreements],
        "explain": demo.explain,
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
