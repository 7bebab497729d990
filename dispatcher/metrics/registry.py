"""The registry of one process: each metric is made from its definition. Two registries share nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatcher import __version__
from dispatcher.metrics.definitions import BY_NAME, PREFIX, Definition, MetricKind

Labels: TypeAlias = tuple[str, ...]
Samples: TypeAlias = Mapping[Labels, float]
"""Values of the labels, in the definition's order -> value."""


class Registry:
    """The metrics of one process."""

    def __init__(self, process: str) -> None:
        self.collectors = CollectorRegistry()
        self.names: set[str] = set()
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a `_created` series beside each counter would double their number
        ProcessCollector(registry=self.collectors)
        self.gauge("build_info").labels(__version__, process).set(1)

    def counter(self, name: str) -> Counter:
        found = self._definition(name)
        return Counter(found.name, found.help, found.labels, registry=self.collectors)

    def gauge(self, name: str) -> Gauge:
        found = self._definition(name)
        return Gauge(found.name, found.help, found.labels, registry=self.collectors)

    def histogram(self, name: str) -> Histogram:
        found = self._definition(name)
        return Histogram(
            found.name, found.help, found.labels, buckets=found.buckets, registry=self.collectors
        )

    def collect(self, names: Iterable[str], read: Callable[[], Mapping[str, Samples]]) -> None:
        """Has `read` called at each scrape: it returns the samples of these metrics by name. A metric that
        it leaves out has none."""
        found = {name: self._definition(name) for name in names}
        self.collectors.register(_Read(found, read))

    def scraped(self, accept: str) -> tuple[bytes, str]:
        """All metrics as text, and its content type, in the format that the Accept header prefers."""
        encode, content_type = choose_encoder(accept)
        return encode(self.collectors), content_type

    def _definition(self, name: str) -> Definition:
        self.names.add(PREFIX + name)
        return BY_NAME[PREFIX + name]


class _Read(Collector):
    def __init__(
        self, definitions: Mapping[str, Definition], read: Callable[[], Mapping[str, Samples]]
    ) -> None:
        self._definitions, self._read = definitions, read

    def describe(self) -> Iterable[Metric]:
        """Without reading: a registry asks for it when a process starts."""
        return [_family(each) for each in self._definitions.values()]

    def collect(self) -> Iterable[Metric]:
        for name, samples in self._read().items():
            family = _family(self._definitions[name])
            for labels, value in samples.items():
                family.add_metric(labels, value)
            yield family


def _family(of: Definition) -> CounterMetricFamily | GaugeMetricFamily:
    family = CounterMetricFamily if of.kind is MetricKind.COUNTER else GaugeMetricFamily
    return family(of.name, of.help, labels=of.labels)
