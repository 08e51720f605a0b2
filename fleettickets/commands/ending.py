"""How a command ends: its exit code, and every failure as one line on stderr and one document with --json."""

from __future__ import annotations

import signal
from typing import Any

import click

from fleettickets.errors import FleetticketsError


def run(root: click.Command, arguments: list[str], obj: Any = None) -> int:  # noqa: ANN401  # click's context object
    """Run a command; the exit code. Every failure is one line on stderr, and one document with --json."""
    signal.signal(signal.SIGTERM, _stop)
    verbose = "-v" in arguments or "--verbose" in arguments
    try:
        result = root.main(arguments, prog_name="fleettickets", standalone_mode=False, obj=obj)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        return _failed(arguments, "stopped by request", stop.args[0] if stop.args else 130)
    except click.UsageError as error:
        hint = f" Try: {error.ctx.command_path} --help" if error.ctx else ""
        return _failed(arguments, f"{error.format_message()}{hint}", 2)
    except FleetticketsError as error:
        if verbose:
            raise
        return _failed(arguments, str(error), error.exit_code)
    except Exception as error:
        if verbose:
            raise
        return _failed(arguments, f"unexpected {type(error).__name__}; run again with -v for its traceback", 1)
    return result if isinstance(result, int) else 0


def _failed(arguments: list[str], message: str, exit_code: int) -> int:
    if "--json" in arguments:
        import json  # noqa: PLC0415  # keeps --help fast

        click.echo(json.dumps({"error": message, "exit_code": exit_code}))
    click.echo(f"fleettickets: {message}", err=True)
    return exit_code


def _stop(signum: int, frame: object) -> None:  # noqa: ARG001  # signal's signature
    raise KeyboardInterrupt(128 + signum)
