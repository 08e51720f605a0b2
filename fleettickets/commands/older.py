"""The commands deployments and cron already call, flag for flag, over the same engine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fleettickets.commands.app import App
from fleettickets.commands.ending import run
from fleettickets.commands.ingest import ingest
from fleettickets.datasets import DATASETS
from fleettickets.errors import UsageError
from fleettickets.source.files import Model

if TYPE_CHECKING:
    from fleettickets.datasets import Dataset


def main(dataset_name: str) -> None:
    """Run the importer of one dataset and exit with its code."""
    dataset = DATASETS[dataset_name]
    sys.exit(run(_importer(dataset), sys.argv[1:]))


def _importer(dataset: Dataset) -> click.Command:
    @click.command(help=f"Import {dataset.title} ({dataset.name}); a dry run unless --apply.")
    @click.option("--from-bucket", is_flag=True, help="Drain the bucket.")
    @click.option(f"--{dataset.name}-csv", "csv_file", metavar="FILE", help="Read one CSV file.")
    @click.option("--apply", is_flag=True, help="Commit and archive; without it everything is rolled back.")
    @click.option("--reseed", is_flag=True, help="Forget the watermark and the ledger first; tickets stay.")
    @click.option("--geocode-clusters", is_flag=True, help="Find a point for every cluster, of both datasets.")
    @click.option(
        "--geocode-locations", is_flag=True, help="Find points for the names of open tickets, of both datasets."
    )
    @click.option("--capture-history", is_flag=True, help="Take today's backlog, as every import does at its end.")
    @click.option("--snapshots", is_flag=True, help="Older model: full snapshots, only the newest is read.")
    @click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document on stdout.")
    @click.option("-v", "--verbose", is_flag=True, help="Show a traceback when something breaks.")
    def importer(  # noqa: PLR0913  # one parameter an option
        *,
        from_bucket: bool,
        csv_file: str | None,
        apply: bool,
        reseed: bool,
        geocode_clusters: bool,
        geocode_locations: bool,
        capture_history: bool,
        snapshots: bool,
        as_json: bool,
        verbose: bool,
    ) -> int:
        app = App.of(as_json=as_json, quiet=False, verbose=verbose, now=None, env_file=None)
        wanted = [what for what, asked in (("clusters", geocode_clusters), ("locations", geocode_locations)) if asked]
        if wanted and not from_bucket and not csv_file:
            return _geocode(app, wanted, apply=apply)
        if capture_history and not wanted and not from_bucket and not csv_file:
            return _capture(app, dataset, apply=apply)
        if wanted or from_bucket == bool(csv_file):
            raise UsageError(
                f"give one of --from-bucket and --{dataset.name}-csv FILE, or --geocode-clusters, --geocode-locations, "
                "--capture-history"
            )
        from fleettickets.pipeline import Order  # noqa: PLC0415  # psycopg is loaded when it is needed

        model = Model.SNAPSHOTS if snapshots else Model.CHANGES
        order = Order(
            dataset,
            f"{dataset.name}.import_{dataset.name}",
            apply=apply,
            reseed=reseed,
            model=model,
            deadline_s=app.settings.deadline_s,
        )
        return ingest(app, [order], csv_file)

    return importer


def _geocode(app: App, what: list[str], *, apply: bool) -> int:
    from fleettickets.commands.geocode.running import geocode  # noqa: PLC0415  # loaded when it is needed
    from fleettickets.geocode.run import Order  # noqa: PLC0415  # psycopg is loaded when it is needed

    return geocode(app, what, Order(apply=apply))


def _capture(app: App, dataset: Dataset, *, apply: bool) -> int:
    from fleettickets.commands.history import capture  # noqa: PLC0415  # loaded when it is needed

    capture(app, [dataset], apply=apply)
    return 0
