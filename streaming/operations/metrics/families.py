"""Metric families by Prometheus' conventions: the prefix `throughline_`, base units, `_total` for counters."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from conversations.models.operations.histogram import Histogram, upper_bound

PREFIX = "throughline_"
# Of a Histogram: bounds from 0.5 ms to 605 s, each 1.5 times the one before.
BUCKETS = range(-76, 65, 4)


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, value)


def gauges(name: str, text: str, label: str, values: Mapping[str, float], **fixed: str) -> Metric:
    """By the values of a label; ``fixed`` are further labels."""
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=[label, *fixed])
    for label_value, value in values.items():
        family.add_metric([label_value, *fixed.values()], value)
    return family


def count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}{name}", text, value)


def counts(name: str, text: str, label: str, values: Mapping[str, float], **fixed: str) -> Metric:
    """By the values of a label; ``fixed`` are further labels."""
    family = CounterMetricFamily(f"{PREFIX}{name}", text, labels=[label, *fixed])
    for label_value, value in values.items():
        family.add_metric([label_value, *fixed.values()], value)
    return family


def histogram(name: str, text: str, found: Histogram) -> Metric:
    """With some of the Histogram's own bounds, so that Prometheus sees the distribution that operators' pages show."""
    within = [(str(float(f"{upper_bound(last):.4g}")), float(found.count_within(last))) for last in BUCKETS]
    buckets = [*within, ("+Inf", float(found.count))]
    return HistogramMetricFamily(f"{PREFIX}{name}", text, buckets=buckets, sum_value=found.sum)
