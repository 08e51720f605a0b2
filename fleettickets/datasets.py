"""What the feed contains: its columns, its two datasets, and where each lives.

The header is the contract of the export system: 32 columns, the same for both datasets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Final

EAT: Final = timezone(timedelta(hours=3), "EAT")
"""East Africa Time, the feed's clock: UTC+3 all year."""

FEED_COLUMNS: Final = (
    "ticket_id",
    "source_type",
    "service_type",
    "bucket",
    "raw_status",
    "normalized_status",
    "created_at_service",
    "scheduled_at",
    "closed_at",
    "last_seen_at",
    "first_seen_at",
    "week_start",
    "week_end",
    "cluster",
    "region",
    "location_name",
    "latitude",
    "longitude",
    "department",
    "assigned_team",
    "owner",
    "sla_status",
    "mttr",
    "is_auto_created",
    "is_auto_closed",
    "is_alarm",
    "is_actionable",
    "source_s3_bucket",
    "source_s3_key",
    "source_snapshot_id",
    "created_at",
    "updated_at",
)

DROPPED_COLUMNS: Final = frozenset(
    {
        "week_start",
        "week_end",
        "source_s3_bucket",
        "source_s3_key",
        "source_snapshot_id",
        "department",
        "source_type",
    }
)
"""Columns that say nothing about the ticket; a file may come without them."""

REQUIRED_COLUMNS: Final = frozenset(FEED_COLUMNS) - DROPPED_COLUMNS
"""A file that lacks one of these is quarantined: its rows would blank what we know."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One stream of tickets: its folder in the bucket and its table."""

    name: str
    title: str

    @property
    def table(self) -> tuple[str, str]:
        """Schema and table of the tickets."""
        return ("tickets", self.name)

    @property
    def root(self) -> str:
        """The stream's folder, where full snapshots of the older model lie."""
        return f"automations/{self.name}/"

    @property
    def changes(self) -> str:
        """The folder the export writes into."""
        return f"{self.root}changes/"

    @property
    def processed(self) -> str:
        """The folder applied files are moved to."""
        return f"{self.root}processed/"

    @property
    def quarantine(self) -> str:
        """The folder unusable files are moved to."""
        return f"{self.root}quarantine/"


INC: Final = Dataset("inc", "customer faults")
CRQ: Final = Dataset("crq", "new installations")
DATASETS: Final = {dataset.name: dataset for dataset in (INC, CRQ)}
