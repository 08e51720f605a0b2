"""What forecasts stand on, renewed after a run and outside the transactions of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from fleettickets.datasets import Dataset
    from fleettickets.db import Connection


def refresh_forecast(connection: Connection, dataset: Dataset, now: datetime) -> None:
    """Renew survival curves and score forecasts, at most every six hours: they change by the day."""
    connection.execute(
        "SELECT tickets.refresh_forecast(%(dataset)s, %(now)s) WHERE NOT EXISTS ("
        "SELECT FROM tickets.forecast_runs WHERE dataset = %(dataset)s "
        "AND refreshed_at > %(now)s::timestamptz - interval '6 hours')",
        {"dataset": dataset.name, "now": now},
    )
