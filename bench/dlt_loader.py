"""The same feed through dlt, as its documentation has it: filesystem source, read_csv, merge on the key.

Runs in an environment of its own, see rivals.py.
"""

from __future__ import annotations

import os

import dlt  # type: ignore[import-not-found]  # lives in the rival's environment
from dlt.sources.filesystem import filesystem, read_csv  # type: ignore[import-not-found]  # the same


def is_ticket(row: dict[str, str]) -> bool:
    """Drop alarms and the export's note."""
    return row["is_alarm"] != "true" and not row["ticket_id"].startswith("EXPORT STOPPED")


def main() -> None:
    """Load the files changed since the last run."""
    os.environ["SOURCES__FILESYSTEM__CREDENTIALS__AWS_ACCESS_KEY_ID"] = os.environ["RUSTFS_ACCESS_KEY"]
    os.environ["SOURCES__FILESYSTEM__CREDENTIALS__AWS_SECRET_ACCESS_KEY"] = os.environ["RUSTFS_SECRET_KEY"]
    os.environ["SOURCES__FILESYSTEM__CREDENTIALS__ENDPOINT_URL"] = os.environ["RUSTFS_ENDPOINT_URL"]
    files = filesystem(
        bucket_url=f"s3://{os.environ['RUSTFS_BUCKET']}/automations/inc/changes",
        file_glob="*.csv",
        incremental=dlt.sources.incremental("modification_date"),
    )
    rows = (files | read_csv(dtype=str, keep_default_na=False)).add_filter(is_ticket).with_name("inc")
    rows.apply_hints(
        write_disposition="merge",
        primary_key="ticket_id",
        columns={"updated_at": {"data_type": "text", "dedup_sort": "desc"}},
    )
    pipeline = dlt.pipeline(
        "fleet",
        destination=dlt.destinations.postgres(os.environ["DATABASE_URL"]),
        dataset_name="feed",
        pipelines_dir=os.environ["RIVAL_FOLDER"],
    )
    pipeline.run(rows)


if __name__ == "__main__":
    main()
