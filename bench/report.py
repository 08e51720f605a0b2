"""The figures of a run as one document and as tables for a person."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.contenders import ENGINE
from bench.scenarios import DELTA, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.contenders import Sample
    from bench.rivals import Absent
    from bench.scenarios import Figures

_MB = 1_000_000


def document(figures: Figures, absent: Sequence[Absent], big_rows: int) -> dict[str, Any]:
    """Medians, the medians of each round's ratio to the floor of the same round, and the verdicts."""
    return {
        "machine": {"cores": os.cpu_count(), "memory_gib": _memory_gib(), "python": platform.python_version()},
        "rounds": len(figures.delta_rows),
        "rows": {
            "delta": round(median(figures.delta_rows)),
            "pending": round(median(figures.pending_rows)),
            "big_table": big_rows,
        },
        "floor_s": {scenario: round(median(times), 4) for scenario, times in figures.floor_s.items()},
        "scenarios": {
            scenario: {
                name: _summary(samples, figures.floor_s.get(scenario))
                for (what, name), samples in figures.samples.items()
                if what == scenario and samples
            }
            for scenario in SCENARIOS
        },
        "many": {"files": figures.many_files, "process_s": figures.many and round(figures.many.wall_s, 1)},
        "peak_rss_mb": {
            "1_file": round(median(one.peak_rss_bytes for one in figures.samples[DELTA, ENGINE.name].values()) / _MB),
            "many_files": round(figures.many.peak_rss_bytes / _MB) if figures.many else None,
        },
        "truth": {name: asdict(verdict) for name, verdict in figures.verdicts.items()},
        "absent": {one.name: one.reason for one in absent},
        "failed_runs": {name: {"runs": len(why), "first": why[0]} for name, why in figures.failures.items()},
    }


def show(found: dict[str, Any]) -> None:
    """Print the document as tables."""
    machine, rows = found["machine"], found["rows"]
    print(
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, Python {machine['python']}; medians of "
        f"{found['rounds']} rounds, taken in turn; a delta has about {rows['delta']} rows, "
        f"the big table {rows['big_table']:,}\n"
    )
    print(f"{'':<24}{'':<14}{'process':>9}{'engine':>9}{'CPU':>8}{'memory':>9}{'process':>10}{'engine':>9}")
    print(f"{'':<24}{'':<14}{'s':>9}{'s':>9}{'s':>8}{'MB':>9}{'/ floor':>10}{'/ floor':>9}")
    for scenario, contenders in found["scenarios"].items():
        floor_s = found["floor_s"].get(scenario)
        if floor_s is not None:
            print(f"{scenario:<24}{'floor':<14}{'':>9}{floor_s:>9.3f}")
        for name, one in contenders.items():
            ratio = _cell(one.get("process_to_floor"), 10, 2)
            print(
                f"{scenario:<24}{name:<14}{one['process_s']:>9.3f}{_cell(one.get('engine_s'), 9, 3)}"
                f"{one['cpu_s']:>8.3f}{one['peak_rss_mb']:>9,}{ratio}{_cell(one.get('engine_to_floor'), 9, 2)}"
            )
    memory = found["peak_rss_mb"]
    many = found["many"]
    print(
        f"\nmemory of {ENGINE.name} with 1 file pending {memory['1_file']} MB, with {many['files']:,} "
        f"{memory['many_files']} MB, in {many['process_s']:,} s"
    )
    print(f"\n{'against the truth':<24}{'tickets':>9}{'lost':>7}{'stale':>7}{'of these alarms':>17}{'doubled':>9}")
    for name, one in found["truth"].items():
        print(
            f"{name:<24}{one['tickets']:>9,}{one['lost']:>7,}{one['stale']:>7,}{one['alarms_missed']:>17,}"
            f"{one['doubled']:>9,}"
        )
    for name, reason in found["absent"].items():
        print(f"{name}: not measured: {reason}")
    for name, failed in found["failed_runs"].items():
        print(f"{name}: {failed['runs']} runs failed; the first: {failed['first']}")


def _summary(by_round: Mapping[int, Sample], floor_s: Sequence[float] | None) -> dict[str, Any]:
    samples = by_round.values()
    summary: dict[str, Any] = {
        "process_s": round(median(one.wall_s for one in samples), 4),
        "cpu_s": round(median(one.cpu_s for one in samples), 4),
        "peak_rss_mb": round(median(one.peak_rss_bytes for one in samples) / _MB),
    }
    engine_s = {n: one.engine_s for n, one in by_round.items() if one.engine_s is not None}
    if engine_s:
        summary["engine_s"] = round(median(engine_s.values()), 4)
    if floor_s:
        summary["process_to_floor"] = _ratio({n: one.wall_s for n, one in by_round.items()}, floor_s)
        if engine_s:
            summary["engine_to_floor"] = _ratio(engine_s, floor_s)
    return summary


def _ratio(times_s: Mapping[int, float], floor_s: Sequence[float]) -> float:
    """Each round's ratio is its own: a slow minute of the machine slows both."""
    return round(median(one / floor_s[n] for n, one in times_s.items()), 2)


def _cell(value: float | None, width: int, digits: int) -> str:
    return " " * width if value is None else f"{value:>{width}.{digits}f}"


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
