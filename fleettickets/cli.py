"""The command line: one group whose commands are imported when they are called.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 quality gate, 4 stale, 5 partial or pending,
6 another run holds the lock, 7 upstream away, 130 and 143 stopped by request.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Final

import click

from fleettickets import __version__
from fleettickets.commands.ending import run
from fleettickets.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS: Final = {
    "check": "Gates for cron and monitoring: freshness, quality, schema.",
    "completion": "The completion script of bash, zsh or fish.",
    "config": "The settings that hold here, and where each comes from.",
    "demo": "From nothing to the live map, in a private playground.",
    "dispatch": "Who goes where next: plan a shift, insert what is urgent, commit.",
    "doctor": "Whether everything a run needs is there; what is not, with its remedy.",
    "down": "Stop the private servers of this folder.",
    "export": "Tickets and closures as files for other programs.",
    "geocode": "Where tickets are: points for clusters and location names, and their review.",
    "history": "Take today's backlog, or tell closures, reopens and daily backlogs again.",
    "ingest": "Drain the export files of a dataset into the database.",
    "migrate": "Bring the database schema up to date.",
    "quarantine": "Files and rows that could not be used: see them, read them again, discard them.",
    "runs": "The newest runs, and one of them with its files.",
    "serve": "The HTTP API and the web app.",
    "sla": "Why a ticket counts as on track, at risk or breached.",
    "status": "One screen: the clocks, the backlog, quarantine, the last runs.",
    "token": "Make, list and revoke the tokens of the HTTP API.",
    "up": "Start the private PostgreSQL and S3 servers of this folder.",
}


_GLOBAL_FLAGS: Final = frozenset({"--json", "-q", "--quiet", "-v", "--verbose"})
_GLOBAL_VALUES: Final = frozenset({"--now", "--env-file", "--log-format"})


@click.group(
    cls=LazyGroup,
    package="fleettickets.commands",
    summaries=_COMMANDS,
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 quality gate, 4 stale, 5 partial, 6 locked, 7 upstream away.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="fleettickets")
@click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary; errors only.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Tell more: progress in a log too, a traceback when something breaks."
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    expose_value=False,
    help="With json, every line on stderr is a JSON document.",
)
@click.option("--now", metavar="TIME", help="Take this instant for the wall clock (naive: East Africa Time).")
@click.option("--env-file", metavar="FILE", help="Read this file instead of .env.")
@click.pass_context
def command(  # one parameter a global option
    ctx: click.Context, *, as_json: bool, quiet: bool, verbose: bool, now: str | None, env_file: str | None
) -> None:
    """Ticket exports in a bucket become tickets people can work from in PostGIS."""
    from fleettickets.commands.app import App  # noqa: PLC0415  # keeps --help fast

    ctx.obj = App.of(as_json=as_json, quiet=quiet, verbose=verbose, now=now, env_file=env_file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    ordered = _global_first(list(sys.argv[1:] if arguments is None else arguments))
    if "--log-format" in " ".join(ordered):  # else not even the module is loaded
        from fleettickets.commands import logs  # noqa: PLC0415  # keeps --help fast

        if logs.are_json(ordered):
            sys.stderr = logs.JsonLines(sys.stderr)
    sys.exit(run(command, ordered))


def _global_first(arguments: list[str]) -> list[str]:
    """Global options are understood after the command too: 'fleettickets status --json'."""
    first: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument in _GLOBAL_FLAGS or (argument.partition("=")[0] in _GLOBAL_VALUES and "=" in argument):
            first.append(argument)
        elif argument in _GLOBAL_VALUES:
            first += [argument, *itertools.islice(remaining, 1)]
        else:
            rest.append(argument)
    return first + rest
