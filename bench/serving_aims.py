"""What the API is held to, and whether a run of bench/serving.py keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FULL_TO_TIPG: Final = 1000
_UNCHANGED_PER_S: Final = 10_000
_UNCHANGED_TO_TIPG: Final = 2500
_COLD_TO_JSON_AGG: Final = 3
_BYTES_A_TICKET: Final = 48
_CHANGE_BYTES: Final = 8000
_CHANGE_MS: Final = 2
_HEARD_P99_MS: Final = 100
_TILE_BYTES: Final = 1000
_MEMORY_MB: Final = 300
_MEMORY_AT_OPEN: Final = 35_000


@dataclass(frozen=True, slots=True)
class Aim:
    """One thing the API is held to; kept is None where this run cannot tell."""

    name: str
    aim: str
    measured: str
    kept: bool | None


def aims(found: Mapping[str, Any]) -> list[Aim]:
    """Every aim beside what was measured."""
    unchanged, full = found["not_modified_per_s"]["median"], found["full_maps_per_s"]["median"]
    change, wire, heard = found["change"], found["bytes_a_ticket"], found["live"]
    largest_tile = max(found["tile_bytes"].values())
    enough_open = found["open_tickets"] >= _MEMORY_AT_OPEN - 1
    return [
        Aim(
            "full map, warm",
            f">= {_FULL_TO_TIPG:,} times tipg",
            f"{full:,.0f} a second, {found['full_to_tipg']:,.0f} times",
            found["full_to_tipg"] >= _FULL_TO_TIPG,
        ),
        Aim(
            "304",
            f">= {_UNCHANGED_PER_S:,} a second or {_UNCHANGED_TO_TIPG:,} times tipg",
            f"{unchanged:,.0f} a second, {found['not_modified_to_tipg']:,.0f} times",
            unchanged >= _UNCHANGED_PER_S or found["not_modified_to_tipg"] >= _UNCHANGED_TO_TIPG,
        ),
        Aim(
            "cold build",
            f">= {_COLD_TO_JSON_AGG} times faster than json_agg",
            f"{found['json_agg_to_cold_build']:.1f} times",
            found["json_agg_to_cold_build"] >= _COLD_TO_JSON_AGG,
        ),
        Aim(
            "a ticket on the wire",
            f"<= {_BYTES_A_TICKET} bytes",
            ", ".join(f"{name} {size}" for name, size in wire.items()),
            max(wire.values()) <= _BYTES_A_TICKET,
        ),
        Aim(
            "a change of 131, size",
            f"<= {_CHANGE_BYTES / 1000:g} kB",
            ", ".join(f"{name} {size / 1000:.1f}" for name, size in change["bytes"].items()),
            change["bytes"]["zstd"] <= _CHANGE_BYTES,
        ),
        Aim(
            "a change of 131, work",
            f"<= {_CHANGE_MS} ms",
            f"{change['work_ms']} ms; the server's CPU in all {change['server_cpu_ms']} ms",
            change["work_ms"] <= _CHANGE_MS,
        ),
        Aim(
            f"commit to {heard['listeners']} listeners",
            f"p99 <= {_HEARD_P99_MS} ms",
            f"p50 {heard['p50_ms']} ms, p99 {heard['p99_ms']} ms",
            heard["p99_ms"] <= _HEARD_P99_MS and heard["heard"] == heard["listeners"],
        ),
        Aim(
            "largest cluster tile",
            f"<= {_TILE_BYTES / 1000:g} kB",
            f"{largest_tile} bytes",
            largest_tile <= _TILE_BYTES,
        ),
        Aim(
            "memory of the server",
            f"< {_MEMORY_MB} MB with {_MEMORY_AT_OPEN:,} open",
            f"{found['server_memory_mb']} MB with {found['open_tickets']:,} open",
            found["server_memory_mb"] < _MEMORY_MB if enough_open else None,
        ),
    ]


def show(found: Mapping[str, Any]) -> None:
    """The aims as a table for a person."""
    machine = found["machine"]
    print(f"{found['open_tickets']:,} open tickets, {machine['cores']} cores, load {machine['load'][0]:.1f}")
    for one in aims(found):
        verdict = {True: "kept", False: "MISSED", None: "not asked"}[one.kept]
        print(f"{one.name:<26}{verdict:<11}{one.measured}  (aim {one.aim})")
