"""What a scrape says, as a test reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from dispatcher.metrics.registry import Registry

Sample = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.samples: dict[Sample, float] = {
            (
                sample.name.removeprefix("git_dispatcher_"),
                frozenset(sample.labels.items()),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    @classmethod
    def of(cls, registry: Registry) -> Scrape:
        return cls(registry.scraped("")[0].decode())

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    def has(self, name: str) -> bool:
        return any(found == name for found, _ in self.samples)
