"""Numbers for Prometheus: requests by route and status, how long they took, what the server holds."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.metrics_core import Metric

BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Gauge:
    """What a scrape tells of one thing: its meaning, and a value a label (or one value under "")."""

    meaning: str
    values: Mapping[str, float]
    label: str = "dataset"


@dataclass(slots=True)
class _Latency:
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0


@dataclass(slots=True)
class Measures:
    """Plain counters: a request adds two numbers, a scrape makes text of them."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    latencies: dict[str, _Latency] = field(default_factory=lambda: defaultdict(_Latency))

    def count(self, route: str, status: int, took_s: float) -> None:
        """One request ended."""
        self.requests[route, status] += 1
        latency = self.latencies[route]
        latency.total_s += took_s
        latency.buckets[bisect_left(BOUNDS_S, took_s)] += 1

    def text(self, gauges: Mapping[str, Gauge]) -> bytes:
        """The exposition."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(self, gauges))
        return generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)
class _Collected:
    """One scrape."""

    measures: Measures
    gauges: Mapping[str, Gauge]

    def collect(self) -> Iterator[Metric]:
        """Every metric family."""
        requests = CounterMetricFamily("fleettickets_http_requests", "Requests", labels=["route", "status"])
        for (route, status), n in self.measures.requests.items():
            requests.add_metric([route, str(status)], n)
        yield requests
        seconds = HistogramMetricFamily("fleettickets_http_request_seconds", "Time to answer", labels=["route"])
        for route, latency in self.measures.latencies.items():
            seconds.add_metric([route], _cumulated(latency.buckets), latency.total_s)
        yield seconds
        for name, gauge in self.gauges.items():
            family = GaugeMetricFamily(name, gauge.meaning, labels=[gauge.label] if "" not in gauge.values else None)
            for label, value in gauge.values.items():
                family.add_metric([label] if label else [], value)
            yield family


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    return [(bound, float(sum(buckets[: at + 1]))) for at, bound in enumerate(bounds)]
