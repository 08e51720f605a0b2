"""Whether anything was lost or doubled: tables, ledger and bucket against what was uploaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.model import plain_name
from faults.soak.fold import digest

from fleettickets.datasets import INC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from faults.soak.producer import Upload
    from faults.world import World


@dataclass(frozen=True, slots=True)
class Books:
    """What database and bucket hold at the end."""

    tickets: Mapping[str, str]
    ledger: Iterable[tuple[str, str, str, bool, str | None]]
    rows_new: int
    objects: Mapping[str, str]


def books_of(world: World) -> Books:
    """Read them."""
    return Books(
        {ticket_id: digest(raw) for ticket_id, raw in world.query("SELECT ticket_id, raw FROM tickets.inc")},
        [
            (key, etag, state, archived, to)
            for key, etag, state, archived, to in world.query(
                "SELECT key, etag, state, archived_at IS NOT NULL, archive_key FROM tickets.import_files"
            )
        ],
        world.query("SELECT coalesce(sum(rows_new), 0)::int FROM tickets.import_files")[0][0],
        world.objects(),
    )


def verdict(expected: Mapping[str, str], uploads: Iterable[Upload], books: Books) -> dict[str, int]:
    """What is wrong, each kind counted; all zero when every promise was kept."""
    last = {upload.key: upload for upload in uploads}
    ledger = list(books.ledger)
    states = {(key, etag): state for key, etag, state, _, _ in ledger}
    kept = Counter((plain_name(at), etag) for at, etag in books.objects.items() if not at.startswith(INC.changes))
    files = [upload for upload in last.values() if upload.state != "unexpected"]
    left = {at for at in books.objects if at.startswith(INC.changes)}
    return {
        "rows_lost": sum(books.tickets.get(ticket_id) != row for ticket_id, row in expected.items()),
        "rows_doubled": len(books.tickets.keys() - expected.keys()) + abs(books.rows_new - len(books.tickets)),
        "files_lost": sum(not kept[plain_name(upload.key), upload.etag] for upload in files),
        "files_doubled": sum(n - 1 for n in kept.values()),
        "files_left": len(left ^ {upload.key for upload in last.values() if upload.state == "unexpected"}),
        "files_failed": sum(state == "failed" for state in states.values()),
        "files_in_a_wrong_state": sum(states.get((one.key, one.etag)) != one.state for one in last.values()),
        "archives_not_there": sum(books.objects.get(to) != etag for _, etag, _, _, to in ledger if to),
        "not_archived": sum(not done for _, _, state, done, _ in ledger if state in {"applied", "quarantined"}),
    }
