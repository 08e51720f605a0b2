"""What the next run would find: the files that wait, by the run's own rules, without reading one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from fleettickets import db
from fleettickets.api import parameters as ask
from fleettickets.api import reply
from fleettickets.datasets import DATASETS
from fleettickets.errors import FleetticketsError, UsageError
from fleettickets.load import ledger
from fleettickets.source import names
from fleettickets.source.ahead import listing_in_time
from fleettickets.source.files import Model

if TYPE_CHECKING:
    from fleettickets.api.server import Server
    from fleettickets.datasets import Dataset
    from fleettickets.source.files import FileVersion

_FILES_SHOWN = 20
_LONGEST_LISTING_S = 5.0

router = APIRouter(default_response_class=Response, tags=["reads"])


class NextQuery(ask.Query):
    """Of which dataset; without, of both."""

    dataset: ask.Dataset = ""


@router.get("/api/runs/next", responses=reply.documented(400))
async def upcoming(request: Request, query: Annotated[NextQuery, Query()]) -> Response:
    """The files a run that began now would read and move; what they say nobody knows before it reads them."""
    found = await asyncio.to_thread(_look, reply.server_of(request), [query.dataset] if query.dataset else [*DATASETS])
    return Response(orjson.dumps(found), media_type="application/json", headers={"cache-control": "no-store"})


def _look(server: Server, datasets: list[str]) -> dict[str, Any]:
    try:
        source = server.bucket()
        listed = {
            name: listing_in_time(source, DATASETS[name], Model.CHANGES, server.now(), _LONGEST_LISTING_S)
            for name in datasets
        }
    except UsageError as error:
        return {"now": server.now(), "known": False, "reason": str(error), "datasets": {}}
    except FleetticketsError:
        return {"now": server.now(), "known": False, "reason": "the store does not answer", "datasets": {}}
    return {
        "now": server.now(),
        "known": True,
        "reason": None,
        "datasets": {name: _of(server, DATASETS[name], files) for name, files in listed.items()},
    }


def _of(server: Server, dataset: Dataset, listed: list[FileVersion]) -> dict[str, Any]:
    with db.connect(server.settings.database_url, role="fleettickets look") as connection:
        connection.execute("SET statement_timeout = '10s'")
        plan = ledger.look(connection, dataset, listed, server.now())
        row = connection.execute(
            "SELECT (SELECT sum(rows_read)::double precision / nullif(sum(size_bytes), 0) FROM (SELECT rows_read, "
            "size_bytes FROM tickets.import_files WHERE dataset = %(dataset)s AND state = 'applied' "
            "ORDER BY file_id DESC LIMIT 50) AS newest), (SELECT max(started_at) FROM tickets.runs "
            "WHERE dataset = %(dataset)s AND state = 'running')",
            {"dataset": dataset.name},
        ).fetchone()
    rows_a_byte, running_since = row or (None, None)
    left = [one for one in plan.pending if one.problem == names.UNEXPECTED]
    aside = [one for one in plan.pending if one.problem not in {None, names.UNEXPECTED}]
    reads = [one for one in plan.pending if one.problem is None]
    size_bytes = sum(one.size_bytes for one in reads)
    return {
        "listed": len(listed),
        "reads": len(reads),
        "size_bytes": size_bytes,
        "about_rows": None if rows_a_byte is None else round(size_bytes * rows_a_byte),
        "quarantines": len(aside),
        "leaves_alone": len(left),
        "archives": len(plan.unarchived),
        "watermark": plan.watermark,
        "running_since": running_since,
        "files": [
            {"key": one.key, "exported_at": one.exported_at, "size_bytes": one.size_bytes, "problem": one.problem}
            for one in [*reads, *aside][:_FILES_SHOWN]
        ],
    }
