"""What a run did, as numbers: one record a file, one a run, the same for the screen, --json and tickets.runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class Rows:
    """Rows of one file by outcome; they add up to `read`."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    duplicate: int = 0
    alarm: int = 0
    sentinel: int = 0
    rejected: int = 0

    def add(self, other: Rows) -> None:
        """Add another file's rows."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def as_dict(self) -> dict[str, int]:
        """Outcome -> rows."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(slots=True)
class FileOutcome:
    """What became of one file version."""

    key: str
    state: str
    exported_at: datetime | None = None
    reason: str | None = None
    encoding: str | None = None
    export_type: str | None = None
    rows: Rows = field(default_factory=Rows)
    rejected_by_reason: Counter[str] = field(default_factory=Counter)
    flags: dict[str, int] = field(default_factory=dict)
    extra_columns: tuple[str, ...] = ()
    touched: list[str] = field(default_factory=list)

    @property
    def changes_tickets(self) -> bool:
        """Whether any ticket is otherwise than before."""
        return self.rows.new + self.rows.changed > 0


@dataclass(slots=True)
class RunReport:
    """What one run of one dataset did, or in a dry run would do."""

    dataset: str
    applied: bool
    watermark_from: str | None = None
    watermark_to: str | None = None
    files: Counter[str] = field(default_factory=Counter)
    rows: Rows = field(default_factory=Rows)
    rejected_by_reason: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    archived: int = 0
    to_archive: int = 0
    export_truncated: int = 0
    notes: list[str] = field(default_factory=list)
    duration_s: float = 0.0
    exit_code: int = 0
    error: str | None = None

    def add(self, outcome: FileOutcome) -> None:
        """Count one file in."""
        self.files[outcome.state] += 1
        self.rows.add(outcome.rows)
        self.rejected_by_reason.update(outcome.rejected_by_reason)
        self.flags.update(outcome.flags)
        self.export_truncated += outcome.rows.sentinel > 0
        if outcome.reason:
            self.notes.append(f"{outcome.key}: {outcome.state}: {outcome.reason}")
        if outcome.extra_columns:
            self.notes.append(f"{outcome.key}: unknown columns kept in raw: {', '.join(outcome.extra_columns)}")

    def follow(self, later: RunReport) -> None:
        """Count a later run of the dataset in."""
        self.watermark_to = later.watermark_to
        self.files.update(later.files)
        self.rows.add(later.rows)
        self.rejected_by_reason.update(later.rejected_by_reason)
        self.flags.update(later.flags)
        self.archived += later.archived
        self.to_archive += later.to_archive
        self.export_truncated += later.export_truncated
        self.notes += later.notes
        self.duration_s += later.duration_s
        self.exit_code = self.exit_code or later.exit_code

    @property
    def rows_per_s(self) -> int:
        """Rows read a second, the whole run counted."""
        return round(self.rows.read / self.duration_s) if self.duration_s else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON-ready document."""
        return {
            "dataset": self.dataset,
            "applied": self.applied,
            "exit_code": self.exit_code,
            "error": self.error,
            "watermark": {"from": self.watermark_from, "to": self.watermark_to},
            "files": dict(self.files),
            "rows": self.rows.as_dict(),
            "rejected_by_reason": dict(self.rejected_by_reason),
            "flags": dict(self.flags),
            "export_truncated": self.export_truncated,
            "archived": self.archived,
            "to_archive": self.to_archive,
            "notes": self.notes,
            "duration_s": round(self.duration_s, 3),
            "rows_per_s": self.rows_per_s,
        }


class _Nobody:
    """Follows a run and shows nothing of it."""

    def started(self, files: int) -> None:
        """Nothing to show."""

    def rows(self, n: int) -> None:
        """Nothing to show."""

    def settled(self) -> None:
        """Nothing to show."""


NOBODY: Final = _Nobody()
