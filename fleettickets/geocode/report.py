"""What a geocoding run did, or would do, as numbers: the same for the screen and --json."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class GeocodeReport:
    """One run over clusters or location names."""

    what: str
    applied: bool
    providers: list[str] = field(default_factory=list)
    names: int = 0
    places: int = 0
    shared: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    reused_answers: int = 0
    would_ask_at_least: int = 0
    would_ask_at_most: int = 0
    would_ask: list[str] = field(default_factory=list)
    left_today: dict[str, int | None] = field(default_factory=dict)
    suspects: list[str] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    duration_s: float = 0.0
    exit_code: int = 0
    error: str | None = None

    def plan(self, first: Sequence[str], all_rungs: Sequence[str]) -> None:
        """Note the questions of a dry run: at least the first of each place, at most every rung."""
        self.would_ask_at_least, self.would_ask_at_most = len(first), len(all_rungs)
        self.would_ask = list(first[:_MOST_SHOWN])

    def judge(self, problems: Mapping[str, tuple[str, str]], *, out_of_budget: bool) -> None:
        """The exit code and the sentence that say what is left, and why."""
        out_of_budget = out_of_budget or any(why in {"day", "limited"} for why, _ in problems.values())
        refused = {name: words for name, (why, words) in problems.items() if why == "refused"}
        away = {name: words for name, (why, words) in problems.items() if why == "away"}
        for name, (why, words) in problems.items():
            self.notes.append(f"{name}: {_REASONS[why]}{f' ({words})' if words else ''}")
        if refused:
            name, words = next(iter(refused.items()))
            self.exit_code, self.error = 2, f"{name} does not accept the key ({words}): set the right one and run again"
        elif self.pending and (away or not out_of_budget):
            who = next(iter(away), ", ".join(self.providers))
            self.exit_code = 7
            self.error = f"{who} did not answer: {self.pending:,} left; run again to go on"
        elif self.pending:
            self.exit_code = 5
            self.error = f"the budget is spent: {self.pending:,} left; run again after 00:00 UTC (03:00 in Nairobi)"

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON-ready document."""
        return {
            "what": self.what,
            "applied": self.applied,
            "exit_code": self.exit_code,
            "error": self.error,
            "providers": self.providers,
            "names": self.names,
            "places": self.places,
            "shared": self.shared,
            "by_status": dict(self.by_status),
            "pending": self.pending,
            "requests": {
                "sent": sum(self.requests.values()),
                "by_provider": self.requests,
                "reused": self.reused_answers,
            },
            "would_ask": {
                "at_least": self.would_ask_at_least,
                "at_most": self.would_ask_at_most,
                "first": self.would_ask,
            },
            "left_today": self.left_today,
            "suspects": self.suspects,
            "tickets_moved": dict(self.moved),
            "notes": self.notes,
            "duration_s": round(self.duration_s, 3),
        }


_MOST_SHOWN = 10
_REASONS = {
    "refused": "the key is not accepted; not asked any more in this run",
    "away": "did not answer several times in a row; not asked any more in this run",
    "limited": "kept refusing as too fast; not asked any more in this run",
    "day": "the day's quota is gone; not asked any more before 00:00 UTC",
}
