"""What is counted, for Prometheus: requests by route template, indexes; nothing of a person.

Where PROMETHEUS_MULTIPROC_DIR is set, as `sociopoles serve --workers` does, every process counts in
a file of that folder and any of them answers for all.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    exposition,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.resources import Indexes

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Reading(NamedTuple):
    """What is read when it is asked for: one value, or one by state."""

    name: str
    meaning: str
    values: float | Mapping[str, float]


class Metrics:
    """The counters of one application, and what its process has indexed."""

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sociopoles_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sociopoles_request_seconds",
            "How long a request took.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._indexed = Gauge(
            "sociopoles_index_statements",
            "Statements in the index of the process that last answered.",
            multiprocess_mode="mostrecent",
            registry=self._registry,
        )
        self._revision = Gauge(
            "sociopoles_index_revision",
            "Revision of the database that this index follows.",
            multiprocess_mode="mostrecent",
            registry=self._registry,
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer, and keep what this process has indexed by then."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        self._indexed.set(len(self._indexes.vectors))
        self._revision.set(self._indexes.revision)

    def expose(self, readings: Sequence[Reading]) -> bytes:
        """All of it, and these readings, in the text format of Prometheus."""
        registry = self._registry
        if os.environ.get(FOLDER_VARIABLE):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        asked = CollectorRegistry()
        asked.register(_Asked(readings))
        return exposition.generate_latest(registry) + exposition.generate_latest(asked)


class _Asked(Collector):
    """Readings as gauges: a Gauge of its own would be one more file of each process."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for name, meaning, values in self._readings:
            if isinstance(values, Mapping):
                family = GaugeMetricFamily(name, meaning, labels=["state"])
                for state, value in values.items():
                    family.add_metric([state], value)
                yield family
            else:
                yield GaugeMetricFamily(name, meaning, values)
