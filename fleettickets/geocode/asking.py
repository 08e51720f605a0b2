"""Asking providers: each question once, within the budget, waiting as the words of a refusal say."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fleettickets import failpoint
from fleettickets.geocode.places import Answer, Box, Candidate, Outcome, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from fleettickets.geocode.books import Books
    from fleettickets.geocode.clock import Clock
    from fleettickets.geocode.provider import Provider

_SECOND_S: Final = 1.1
_AWAY_WAITS_S: Final = (1.0, 4.0, 16.0)
_BREAKER: Final = 5
_MOST_LIMITED: Final = 5
_NEGATIVE_DAYS: Final = 30
_REVIEW_SHARE: Final = 0.05
_INC_SHARE: Final = 0.70
_PARAMETERS_VERSION: Final = "1"


class UnansweredError(Exception):
    """No provider could be asked now; the name stays pending."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say about one provider."""

    daily_limit: int | None
    keep: timedelta | None
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a query, and by whom."""

    candidates: tuple[Candidate, ...]
    provider: str


@dataclass(slots=True)
class _Standing:
    """How a provider fares in this run."""

    closed: str | None = None
    """Why it is not asked any more: refused, away, limited or day."""
    closed_day: date | None = None
    reason: str = ""
    failures_in_a_row: int = 0
    left: int | None = None
    asked_balance: bool = False
    last_sent_s: float | None = None


@dataclass(slots=True)
class Asker:
    """One run's questions to the providers, in their order of fallback."""

    providers: Sequence[tuple[Provider, Terms]]
    books: Books
    clock: Clock
    box: Box
    most_requests: int | None = None
    fallback_on_empty: bool = False
    sent: Counter[str] = field(default_factory=Counter)
    reused: int = 0
    out_of_budget: bool = False
    _standings: dict[str, _Standing] = field(default_factory=dict)

    def ask(self, query: str, purpose: str) -> Found:
        """What is known of a query; UnansweredError when nobody may or can be asked now."""
        query_key = key_of(query)
        empty: Found | None = None
        for provider, terms in self.providers:
            candidates = self._from(provider, terms, query, query_key, purpose)
            if candidates is None:
                continue
            found = Found(candidates, provider.name)
            if candidates or not self.fallback_on_empty:
                return found
            empty = empty or found
        if empty is None:
            raise UnansweredError(query)
        return empty

    def is_answered(self, query: str) -> bool:
        """Whether asking would send nothing: for plans."""
        return any(
            not provider.is_metered or self._known(provider, key_of(query)) is not None
            for provider, _ in self.providers
        )

    def left_today(self, purpose: str = "inc") -> dict[str, int | None]:
        """Requests each provider may still be sent today, by the books; None without a limit."""
        return {
            provider.name: self._left(provider, terms, purpose)
            for provider, terms in self.providers
            if provider.is_metered
        }

    def problems(self) -> dict[str, tuple[str, str]]:
        """Providers that are not asked any more: why, and in whose words."""
        return {name: (one.closed, one.reason) for name, one in self._standings.items() if one.closed}

    def close(self) -> None:
        """Give connections back."""
        for provider, _ in self.providers:
            provider.close()

    def _from(
        self, provider: Provider, terms: Terms, query: str, query_key: str, purpose: str
    ) -> tuple[Candidate, ...] | None:
        if not provider.is_metered:
            return provider.search(query, self.box).candidates
        known = self._known(provider, query_key)
        if known is not None:
            self.reused += 1
            return known
        answer = self._insist(provider, terms, query, query_key, purpose)
        return answer.candidates if answer else None

    def _known(self, provider: Provider, query_key: str) -> tuple[Candidate, ...] | None:
        return self.books.known(provider.name, query_key, self._params_hash(provider), self.clock.now())

    def _insist(self, provider: Provider, terms: Terms, query: str, query_key: str, purpose: str) -> Answer | None:
        """Send until there is an answer or a reason to stop; every attempt is a line in the books."""
        standing = self._standing(provider)
        limited = failed = 0
        while self._may_send(provider, terms, standing, purpose):
            answer = self._send(provider, terms, standing, query, query_key, purpose)
            standing.failures_in_a_row = standing.failures_in_a_row + 1 if answer.outcome is Outcome.AWAY else 0
            if answer.outcome in {Outcome.OK, Outcome.EMPTY}:
                return answer
            if answer.outcome is Outcome.INVALID:
                return None
            if answer.outcome is Outcome.REFUSED:
                self._close(standing, "refused", answer)
            elif answer.outcome is Outcome.LIMITED:
                limited += 1
                self._limited(standing, answer, limited)
            elif standing.failures_in_a_row >= _BREAKER:
                self._close(standing, "away", answer)
            elif failed == len(_AWAY_WAITS_S):
                standing.reason = answer.message
                return None
            else:
                self.clock.sleep(_AWAY_WAITS_S[failed] + self.clock.jitter())
                failed += 1
        return None

    def _send(
        self, provider: Provider, terms: Terms, standing: _Standing, query: str, query_key: str, purpose: str
    ) -> Answer:
        if terms.pause_s and standing.last_sent_s is not None:
            self.clock.sleep(max(0.0, standing.last_sent_s + terms.pause_s - time.monotonic()))
        number = self.books.reserve(provider.name, purpose, query_key, self.clock.now())
        failpoint.reached("asking")
        self.sent[provider.name] += 1
        began_s = standing.last_sent_s = time.monotonic()
        answer = provider.search(query, self.box)
        failpoint.reached("asked")
        if standing.left is not None:
            standing.left -= 1
        if answer.remaining is not None:
            standing.left = answer.remaining
        now = self.clock.now()
        is_answer = answer.outcome in {Outcome.OK, Outcome.EMPTY}
        self.books.settle(
            number,
            answer,
            took_ms=round((time.monotonic() - began_s) * 1000),
            keep=(provider.name, query_key, self._params_hash(provider)) if is_answer else None,
            now=now,
            until=_kept_until(answer, terms, now),
        )
        return answer

    def _may_send(self, provider: Provider, terms: Terms, standing: _Standing, purpose: str) -> bool:
        now = self.clock.now()
        if standing.closed == "day" and standing.closed_day != now.date():
            standing.closed = standing.left = None
        if standing.closed:
            return False
        if self.most_requests is not None and self.sent.total() >= self.most_requests:
            self.out_of_budget = True
            return False
        if not standing.asked_balance:
            standing.asked_balance = True
            standing.left = provider.balance()
        left = self._left(provider, terms, purpose)
        if left is not None and left <= 0:
            self.out_of_budget = True
            return False
        return True

    def _left(self, provider: Provider, terms: Terms, purpose: str) -> int | None:
        """By the books, the provider's own count, and the shares kept for others."""
        limit = terms.daily_limit
        counted = self._standing(provider).left
        if limit is None:
            return counted
        spent = self.books.spent(provider.name, self.clock.now())
        for_review = 0 if purpose == "review" else int(_REVIEW_SHARE * limit)
        left = limit - spent.total() - for_review
        if purpose == "crq":
            left = min(left, limit - round(_INC_SHARE * limit) - for_review - spent["crq"])
        if counted is not None:
            left = min(left, counted - for_review if counted > for_review else counted)
        return left

    def _limited(self, standing: _Standing, answer: Answer, times: int) -> None:
        if answer.window == "day":
            self._close(standing, "day", answer)
            standing.closed_day = self.clock.now().date()
        elif times >= _MOST_LIMITED:
            self._close(standing, "limited", answer)
        elif answer.window == "minute":
            self.clock.sleep(_to_next_minute_s(self.clock.now()))
        else:
            self.clock.sleep(_SECOND_S)

    def _close(self, standing: _Standing, why: str, answer: Answer) -> None:
        standing.closed, standing.reason = why, answer.message

    def _standing(self, provider: Provider) -> _Standing:
        return self._standings.setdefault(provider.name, _Standing())

    def _params_hash(self, provider: Provider) -> str:
        text = f"{_PARAMETERS_VERSION} {provider.name} {self.box}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _kept_until(answer: Answer, terms: Terms, now: datetime) -> datetime | None:
    """When an answer expires: by the provider's terms, and what is not known may become known."""
    keep = terms.keep
    if answer.outcome is Outcome.EMPTY:
        keep = min(keep or timedelta(days=_NEGATIVE_DAYS), timedelta(days=_NEGATIVE_DAYS))
    return now + keep if keep is not None else None


def _to_next_minute_s(now: datetime) -> float:
    return 60.0 - now.second - now.microsecond / 1e6 + 0.1
