"""How a command ends: its exit code, and every failure as one line on stderr and one document with --json."""

from __future__ import annotations

import re
import signal
import traceback
from typing import TYPE_CHECKING, Any, Final

import click

from fleettickets.errors import FleetticketsError, UpstreamError, UsageError, printable
from fleettickets.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_MIGRATED: Final = frozenset({"3F000", "42P01", "42883"})
"""A schema, a table or a function of ours that the database does not know."""
_NO_RIGHT: Final = "42501"
_AWAY: Final = re.compile("08...|57P0.")
"""The connection broke, or the server is stopping or starting."""
_NAGIOS_CRITICAL: Final = 2
_NAGIOS_UNKNOWN: Final = 3
"""Monitoring knows four exit codes and reads stdout: a service that is away is critical, the rest cannot be told."""


def run(root: click.Command, arguments: list[str], obj: Any = None) -> int:  # noqa: ANN401  # click's context object
    """Run a command; the exit code. Every failure is one line on stderr, and one document with --json."""
    signal.signal(signal.SIGTERM, _stop)
    verbose = "-v" in arguments or "--verbose" in arguments
    try:
        result = root.main(arguments, prog_name="fleettickets", standalone_mode=False, obj=obj)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        cause = stop if isinstance(stop, KeyboardInterrupt) else stop.__cause__
        return _failed(arguments, "stopped by request", cause.args[0] if cause and cause.args else 130)
    except click.exceptions.NoArgsIsHelpError as error:
        if "--json" in arguments:
            return _failed(arguments, "a command is missing. Try: fleettickets --help", UsageError.exit_code)
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.UsageError as error:
        hint = f" Try: {error.ctx.command_path} --help" if error.ctx else ""
        said = " ".join(error.format_message().split())
        return _failed(arguments, f"{said if said.endswith('.') else f'{said}.'}{hint}", UsageError.exit_code)
    except FleetticketsError as error:
        if verbose:
            _show_traceback()
        return _failed(arguments, str(error), error.exit_code, getattr(error, "__notes__", ()))
    except Exception as error:  # noqa: BLE001  # the last line of defence: one line, not a traceback
        if verbose:
            _show_traceback()
        return _failed(arguments, *_unforeseen(error))
    return result if isinstance(result, int) else 0


def _unforeseen(error: Exception) -> tuple[str, int]:
    """What to say of an error that no command foresaw, and its exit code."""
    state = getattr(error, "sqlstate", None) or ""
    if state in _NOT_MIGRATED:
        return "the database schema is not up to date: run fleettickets migrate", UsageError.exit_code
    if state == _NO_RIGHT:
        return "the database user of DATABASE_URL may not do this: fleettickets doctor says which right it lacks", 2
    if _AWAY.fullmatch(state) or (type(error).__name__ == "OperationalError" and not state):
        return "the connection to the database broke: run again; what is done stays done", UpstreamError.exit_code
    return f"unexpected {type(error).__name__}; run again with -v for its traceback", 1


def _failed(arguments: list[str], message: str, exit_code: int, notes: Sequence[str] = ()) -> int:
    """Say it on one line; `notes`, our own words on what to type, keep their lines."""
    if "--nagios" in arguments:
        exit_code = _NAGIOS_CRITICAL if exit_code == UpstreamError.exit_code else _NAGIOS_UNKNOWN
        if "--json" not in arguments:
            word = "CRITICAL" if exit_code == _NAGIOS_CRITICAL else "UNKNOWN"
            click.echo(f"FLEETTICKETS {word} - {printable(message)}".replace("|", "/"))
    if "--json" in arguments:
        import json  # noqa: PLC0415  # keeps --help fast

        click.echo(json.dumps({"error": message, "exit_code": exit_code}))
    click.echo(f"fleettickets: {printable(message)}", err=True)
    for note in notes:
        click.echo("\n".join(printable(line) for line in note.splitlines()), err=True)
    return exit_code


def _show_traceback() -> None:
    """A library's message may hold an address or a key; ours is printed without them."""
    click.echo(redacted(traceback.format_exc()), err=True, nl=False)


def _stop(signum: int, frame: object) -> None:  # noqa: ARG001  # signal's signature
    raise KeyboardInterrupt(128 + signum)
