"""fleettickets doctor: whether everything a run needs is there; what is not, with its remedy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fleettickets.errors import FleetticketsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleettickets.commands.app import App
    from fleettickets.commands.doctor.finding import Finding


@click.command()
@click.pass_obj
def command(app: App) -> int:
    """Look at database, rights, schema, store, clocks, geocoder and disk; what is not well is said with its remedy.

    Nothing is changed: one small object is put into processed/ of each stream and deleted again.
    """
    findings: list[Finding] = []
    for finding in _findings(app):
        findings.append(finding)
        if not (app.as_json or app.quiet):
            click.echo(f"{finding.status:<5} {finding.subject:<20} {finding.detail}")
    failed = [finding for finding in findings if finding.status == "fail"]
    exit_code = failed[0].exit_code if failed else 0
    app.answer({"checks": [asdict(one) for one in findings], "exit_code": exit_code}, lambda: None)
    return exit_code


def _findings(app: App) -> Iterator[Finding]:
    """Every check in the order in which things are needed; one that breaks off leaves the others."""
    from fleettickets.commands.doctor.database import database  # noqa: PLC0415  # psycopg is loaded when it is needed
    from fleettickets.commands.doctor.geocoder import geocoder  # noqa: PLC0415  # urllib3 is loaded when it is needed
    from fleettickets.commands.doctor.machine import machine  # noqa: PLC0415  # beside the others
    from fleettickets.commands.doctor.store import store  # noqa: PLC0415  # the S3 client is loaded when it is needed

    for subject, check in (("database", database), ("store", store), ("geocoder", geocoder), ("machine", machine)):
        yield from _until_it_breaks(app, subject, check)


def _until_it_breaks(app: App, subject: str, check: Callable[[App], Iterator[Finding]]) -> Iterator[Finding]:
    from fleettickets.commands.doctor.finding import Finding  # noqa: PLC0415  # beside the checks

    try:
        yield from check(app)
    except FleetticketsError as error:
        yield Finding(subject, "fail", str(error), error.exit_code)
