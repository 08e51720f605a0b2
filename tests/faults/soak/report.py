"""What a soak did and what it found, as one document and as a page for people."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from faults.soak.chaos import Chance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from faults.soak.chaos import Chaos
    from faults.soak.producer import Producer
    from faults.soak.readers import Reader
    from faults.soak.runners import Runner
    from faults.store import StoreProxy

MOST_QUIET_RUNS: Final = 2


@dataclass
class Soak:
    """Everybody who took part, and what came of it."""

    minutes: float
    seed: int
    producer: Producer
    store: StoreProxy
    chaos: Chaos
    runners: Sequence[Runner]
    readers: Sequence[Reader]
    crashed: list[str] = field(default_factory=list)
    quiet_runs: int = 0
    wrong: dict[str, int] = field(default_factory=dict)


def document(soak: Soak) -> dict[str, Any]:
    """Every figure; `kept` says whether every promise was."""
    wrong = {**soak.wrong, "reader_errors": sum(one.errors for one in soak.readers)}
    problems = [*soak.crashed]
    problems += [text for one in soak.runners for text in one.problems]
    problems += [text for one in soak.readers for text in one.problems]
    return {
        "minutes": soak.minutes,
        "seed": soak.seed,
        "files": {"written": len(soak.producer.uploads), **soak.producer.ways},
        "rows": {"written": soak.producer.fold.rows, "tickets": len(soak.producer.fold.expected())},
        "runs": _runs(soak.runners) | {"quiet_runs_needed": soak.quiet_runs},
        "faults": _faults(soak),
        "readers": _reading(soak.readers),
        "peak_memory_of_a_run_mb": _memory(soak.runners),
        "wrong": wrong,
        "problems": problems,
        "kept": not any(wrong.values()) and not problems and soak.quiet_runs <= MOST_QUIET_RUNS,
    }


def show(found: Mapping[str, Any]) -> None:
    """The document for a person."""
    print(f"soak of {found['minutes']:g} minutes, seed {found['seed']}")
    for title, facts in found.items():
        if isinstance(facts, dict):
            print(f"\n{title.replace('_', ' ')}")
            _show_facts(facts, "  ")
    for text in found["problems"]:
        print(f"problem: {text}")
    print("\nnothing was lost" if found["kept"] else "\nPROMISES WERE BROKEN: see above")


def _show_facts(facts: Mapping[str, Any], indent: str) -> None:
    for name, fact in facts.items():
        if isinstance(fact, dict):
            print(f"{indent}{name.replace('_', ' ')}")
            _show_facts(fact, indent + "  ")
        else:
            print(f"{indent + name.replace('_', ' '):<40} {'not measured' if fact is None else f'{fact:>10,}'}")


def _runs(runners: Iterable[Runner]) -> dict[str, Any]:
    exits = _summed(one.exits for one in runners)
    return {
        "total": exits.total(),
        "killed": exits[-9],
        "stopped": exits[143] + exits[-15],
        "by_exit_code": {str(code): n for code, n in sorted(exits.items())},
    }


def _faults(soak: Soak) -> dict[str, Any]:
    store = {rule.name: rule.met for rule in soak.store.rules if isinstance(rule, Chance)}
    return {
        "store_requests": len(soak.store.log.requests),
        "store_faults": sum(store.values()),
        "store": store,
        "database_restarts": soak.chaos.restarts,
        "database": dict(soak.chaos.counts),
    }


def _reading(readers: Iterable[Reader]) -> dict[str, Any]:
    readers = list(readers)
    latencies = [one for reader in readers for one in reader.latencies_ms] or [0.0]
    cuts = statistics.quantiles([*latencies, latencies[-1]], n=100, method="inclusive")
    return {
        "answers": len(latencies),
        "outages": sum(one.outages for one in readers),
        "outage_s": round(sum(one.outage_s for one in readers), 1),
        "p50_ms": round(cuts[49], 1),
        "p99_ms": round(cuts[98], 1),
    }


def _memory(runners: Iterable[Runner]) -> dict[str, float | None]:
    """The median peak of the first and of the last ten runs that did something; None where it cannot be seen."""
    runners = list(runners)
    start = [mb for one in runners for mb in one.peaks_mb[:5]]
    end = [mb for one in runners for mb in one.peaks_mb[-5:]]
    return {
        "start": round(statistics.median(start), 1) if start else None,
        "end": round(statistics.median(end), 1) if end else None,
    }


def _summed(counters: Iterable[Counter[int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for one in counters:
        total.update(one)
    return total
