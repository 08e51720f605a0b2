"""What geocode clusters and geocode locations share: options, the run itself, its summary."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from fleettickets.commands.app import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleettickets.commands.app import App
    from fleettickets.geocode.report import GeocodeReport
    from fleettickets.geocode.run import Order

APPLY = click.option("--apply", is_flag=True, help="Ask and write; without it, only say what would be asked.")
BUDGET = click.option("--budget", type=click.IntRange(0), metavar="N", help="Send at most N requests.")


def geocode(app: App, what: list[str], order: Order) -> int:
    """Run clusters, locations or both, show what they did, and answer with the worst exit code."""
    from dataclasses import replace  # noqa: PLC0415  # beside its only use

    from fleettickets.geocode.clusters import geocode_clusters  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.geocode.locations import geocode_locations  # noqa: PLC0415  # the same
    from fleettickets.geocode.providers import configured  # noqa: PLC0415  # urllib3 is loaded when it is needed
    from fleettickets.geocode.run import wall_clock  # noqa: PLC0415  # psycopg is loaded when it is needed

    order = replace(order, fallback_on_empty=app.settings.geocoder_fallback_on_empty == "yes")
    providers = configured(app.settings)
    if app.settings.geocoder_provider is None and [provider.name for provider, _ in providers] == ["gazetteer"]:
        app.say("GEOCODER_PROVIDER is not set: using the embedded gazetteer, which knows areas only")
    connect, clock = app.connector(), wall_clock(app.now)
    runs = {"clusters": geocode_clusters, "locations": geocode_locations}
    reports: list[GeocodeReport] = []
    for one in what:
        with following(app, one) as advanced:
            reports.append(runs[one](order, providers, connect, clock, advanced))
    app.answer({"runs": [report.as_dict() for report in reports]}, lambda: show(reports))
    for report in reports:
        if report.error:
            click.echo(f"fleettickets: geocode {report.what}: {report.error}", err=True)
    return max((report.exit_code for report in reports), key=lambda code: (code == 2, code), default=0)  # noqa: PLR2004  # a refused key explains the rest


@contextmanager
def following(app: App, what: str) -> Iterator[Callable[[int, int], None]]:
    """Progress on a terminal; silence in a log, where the summary says it all."""
    if app.quiet or not sys.stderr.isatty():
        yield lambda done, total: None  # noqa: ARG005  # nobody looks
        return
    from rich.console import Console  # noqa: PLC0415  # only on a terminal
    from rich.progress import Progress  # noqa: PLC0415  # the same

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"geocode {what}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show(reports: list[GeocodeReport]) -> None:
    """Print what the runs did, or would do."""
    for report in reports:
        click.echo(f"geocode {report.what}{'' if report.applied else ' (dry run: what --apply would do)'}")
        for label, value in _lines(report):
            click.echo(f"  {label:<26} {value}")
        for note in report.notes:
            click.echo(f"  {note}")


def _lines(report: GeocodeReport) -> Iterator[tuple[str, str]]:
    yield "providers", ", ".join(report.providers)
    if report.what == "clusters":
        yield "clusters", f"{report.names:,}"
    else:
        yield "names without a decision", f"{report.names:,} of {plural(report.places, 'place')}"
        if report.shared:
            yield "decided already", f"{report.shared:,}"
    if report.applied:
        for status, n in sorted(report.by_status.items()):
            if n:
                yield f"  {_WORDS.get(status, status)}", f"{n:,}"
        sent = ", ".join(f"{name} {n:,}" for name, n in report.requests.items()) or "none"
        yield "requests sent", sent
        yield "answers used again", f"{report.reused_answers:,}"
        yield "left for another run", f"{report.pending:,}"
        yield "tickets moved", ", ".join(f"{name} {n:,}" for name, n in report.moved.items()) or "none"
        if report.suspects:
            yield "doubted cluster points", ", ".join(report.suspects)
    else:
        yield "to decide", f"{report.pending:,}"
        yield "requests", f"{report.would_ask_at_least:,} to {report.would_ask_at_most:,}"
        for query in report.would_ask:
            yield "  would ask", query
    for name, left in report.left_today.items():
        yield f"left today at {name}", "no limit" if left is None else f"{max(left, 0):,} requests"
    yield "duration", f"{report.duration_s:.2f} s"


_WORDS = {
    "ok": "got a point",
    "cluster": "the cluster's own name",
    "nothing": "no place in it",
    "far": "far from the cluster",
    "refused": "refused: too far",
    "ambiguous": "several places",
    "no_match": "nobody knows it",
}
