"""The daemon's condition as Prometheus metrics; each scrape is made from the value of that moment and nothing else."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from reconciler.daemon.attempt import Part
from reconciler.daemon.condition import Condition
from reconciler.model.run import CurrencyTotals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(Collector):
    """A registry of its own over whatever `condition` gives."""

    def __init__(self, condition: Callable[[], Condition], *, version: str) -> None:
        """Nothing is asked before the first scrape."""
        self._condition = condition
        self._version = version
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on the condition."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric of the daemon."""
        condition = self._condition()
        info = GaugeMetricFamily("reconciler_build_info", "The version that runs; always 1", labels=["version"])
        info.add_metric([self._version], 1)
        yield info
        yield from _of_the_loop(condition)
        yield from _of_the_runs(condition)
        yield from _of_the_picture(condition)


def _of_the_loop(condition: Condition) -> Iterator[Metric]:
    yield _moment("reconciler_last_attempt_timestamp_seconds", "When a run was last begun", condition.last_attempt)
    words = "When the last complete run ended"
    yield _moment("reconciler_last_complete_run_timestamp_seconds", words, condition.last_complete)
    yield _moment("reconciler_next_run_timestamp_seconds", "When the next run is to begin", condition.next_run)
    yield _number("reconciler_interval_seconds", "The time between two beginnings", condition.interval.total_seconds())
    ready = condition.ready(monotonic_s=time.monotonic())
    yield _number("reconciler_ready", "1 while the last sound run is younger than twice the interval", ready)
    failures = condition.failures
    yield _number(
        "reconciler_consecutive_failures", "Runs in a row that a source, store, ledger or lock spoiled", failures
    )
    rejected = bool(condition.rejected_settings)
    yield _number("reconciler_settings_rejected", "1 while the file holds settings that could not be taken", rejected)
    trouble = GaugeMetricFamily("reconciler_trouble", "1 while this part is in trouble", labels=["part"])
    for part in Part:
        trouble.add_metric([part.value], part in condition.troubles)
    yield trouble
    yield _counter("reconciler_irregular_runs", "Beginnings that were late or skipped", "why", condition.irregular)


def _of_the_runs(condition: Condition) -> Iterator[Metric]:
    yield _number("reconciler_run_duration_seconds", "How long the last run took", condition.duration_s)
    yield _number("reconciler_held", "Organisations held in the last run", condition.held)
    yield _counter("reconciler_runs", "Runs by their result; none: not judged", "result", condition.runs)
    fixes = CounterMetricFamily("reconciler_fixes", "Fixes by what became of them", labels=["direction", "result"])
    for labels, count in condition.fixes.items():
        fixes.add_metric(labels, count)
    yield fixes
    yield _counter("reconciler_requests", "Requests sent to read a source whole", "source", condition.requests)
    words = "Requests sent again after a 429"
    yield _counter("reconciler_rate_limited_requests", words, "source", condition.throttled)


def _of_the_picture(condition: Condition) -> Iterator[Metric]:
    picture = condition.picture
    drifts = GaugeMetricFamily("reconciler_drifts", "Drifts of the last complete run", labels=["code", "state"])
    money = GaugeMetricFamily(
        "reconciler_money_minor_units", "Money of the last complete run, monthly", labels=["column", "currency"]
    )
    oldest = GaugeMetricFamily("reconciler_oldest_drift_age_seconds", "Age of the oldest drift that is left")
    if picture is not None:
        for (code, state), count in picture.drifts.items():
            drifts.add_metric([code, state], count)
        for currency, totals in picture.money.items():
            for column in fields(CurrencyTotals):
                money.add_metric([column.name, currency], getattr(totals, column.name))
        age = datetime.now(UTC) - picture.oldest if picture.oldest else None
        oldest.add_metric([], max(0.0, age.total_seconds()) if age else 0.0)
    yield drifts
    yield money
    yield oldest


def _moment(name: str, words: str, at: datetime | None) -> Metric:
    return _number(name, words, at.timestamp() if at else math.nan)


def _counter(name: str, words: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _number(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))
