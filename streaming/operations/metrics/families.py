"""Families of metrics in Prometheus' form, by its conventions: `throughline_`, base units, `_total` for counters."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from streaming.telemetry.histograms import buckets

PREFIX = "throughline_"


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, value)


def gauges(name: str, text: str, label: str, values: Mapping[str, float], **fixed: str) -> Metric:
    """By the values of a label; ``fixed`` are further labels."""
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=[label, *fixed])
    for value, figure in values.items():
        family.add_metric([value, *fixed.values()], figure)
    return family


def count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}{name}", text, value)


def counts(name: str, text: str, label: str, values: Mapping[str, float], **fixed: str) -> Metric:
    """By the values of a label; ``fixed`` are further labels."""
    family = CounterMetricFamily(f"{PREFIX}{name}", text, labels=[label, *fixed])
    for value, figure in values.items():
        family.add_metric([value, *fixed.values()], figure)
    return family


def histogram(name: str, text: str, counters: Mapping[str, float], stored: str) -> Metric:
    """``stored`` is the histogram's name among the counters."""
    sum_of_all = counters.get(f"{stored}:sum", 0.0)
    return HistogramMetricFamily(f"{PREFIX}{name}", text, buckets=buckets(stored, counters), sum_value=sum_of_all)
