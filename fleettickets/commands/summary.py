"""The table a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleettickets.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from fleettickets.report import RunReport


def show_reports(reports: Iterable[RunReport], command: str = "ingest") -> None:
    """Print one column a dataset; lines that are zero everywhere and unusual are left out."""
    from rich.console import Console  # noqa: PLC0415  # a run that prints JSON or nothing starts sooner without it
    from rich.table import Table  # noqa: PLC0415  # the same

    reports = list(reports)
    title = command if all(report.applied for report in reports) else "dry run: what --apply would do"
    table = Table(title=title, title_justify="left", show_header=True, box=None, pad_edge=False)
    table.add_column("")
    for report in reports:
        table.add_column(report.dataset, justify="right")
    for label, value, always in _LINES:
        cells = [value(report) for report in reports]
        if always or any(cell not in {"0", "-", ""} for cell in cells):
            table.add_row(label, *cells)
    console = Console()
    console.print(table)
    _show_notes(console, reports)


def _number(n: float) -> str:
    return f"{n:,.0f}"


def _short(key: str | None) -> str:
    return printable(key.rpartition("/")[2].removesuffix(".csv")) if key else "(none)"


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items())) or "-"


_LINES: tuple[tuple[str, Callable[[RunReport], str], bool], ...] = (
    ("files applied", lambda r: _number(r.files["applied"]), True),
    ("files quarantined", lambda r: _number(r.files["quarantined"]), False),
    ("files failed, to be tried again", lambda r: _number(r.files["failed"]), False),
    ("files gone or replaced meanwhile", lambda r: _number(r.files["superseded"]), False),
    ("names that are no export", lambda r: _number(r.files["unexpected"]), False),
    ("rows read", lambda r: _number(r.rows.read), True),
    ("  new", lambda r: _number(r.rows.new), True),
    ("  changed", lambda r: _number(r.rows.changed), True),
    ("  unchanged", lambda r: _number(r.rows.unchanged), True),
    ("  stale (a newer file knows better)", lambda r: _number(r.rows.stale), False),
    ("  twice in a file (last line wins)", lambda r: _number(r.rows.duplicate), False),
    ("  alarms, dropped", lambda r: _number(r.rows.alarm), True),
    ("  sentinel (export cut short)", lambda r: _number(r.rows.sentinel), False),
    ("  rejected", lambda r: _number(r.rows.rejected), True),
    ("    by reason", lambda r: _reasons(r.rejected_by_reason), False),
    ("values that could not be typed", lambda r: _reasons(r.flags), False),
    ("watermark from", lambda r: _short(r.watermark_from), True),
    ("watermark to", lambda r: _short(r.watermark_to), True),
    (
        "files archived",
        lambda r: f"{r.archived:,} of {r.to_archive:,}" if r.applied else _number(r.to_archive),
        True,
    ),
    ("duration", lambda r: f"{r.duration_s:.2f} s", True),
    ("rows a second", lambda r: _number(r.rows_per_s), True),
)
_MOST_NOTES = 10


def _show_notes(console: Console, reports: Iterable[RunReport]) -> None:
    for report in reports:
        for note in report.notes[:_MOST_NOTES]:
            console.print(f"{report.dataset}: {printable(note)}", markup=False, highlight=False, soft_wrap=True)
        if len(report.notes) > _MOST_NOTES:
            console.print(f"{report.dataset}: and {len(report.notes) - _MOST_NOTES} more notes (--json lists all)")
