"""Reads a model server's /metrics, by vLLM's names without ``vllm:`` and ``_total``. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .clean import number

RUNNING, WAITING, KV_CACHE = "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"
GAUGES = (RUNNING, WAITING, KV_CACHE)

DRAFTED, ACCEPTED = "spec_decode_num_draft_tokens", "spec_decode_num_accepted_tokens"
CACHE_QUERIES, CACHE_HITS = "prefix_cache_queries", "prefix_cache_hits"  # both count tokens
PREEMPTIONS = "num_preemptions"
WRITTEN = "generation_tokens"
COUNTERS = (DRAFTED, ACCEPTED, CACHE_QUERIES, CACHE_HITS, PREEMPTIONS, WRITTEN)


# Per request, with vLLM's --enable-per-request-metrics: its name -> ours.
REQUEST_FIGURES = {
    "queue_time_ms": "queued",
    "time_to_first_token_ms": "first token",
    "generation_time_ms": "generation",
    "mean_itl_ms": "mean gap",
}


def request_figures(metrics: object) -> dict[str, float] | None:
    """In milliseconds; None if the server reported none. Skips what is not a number."""
    if not isinstance(metrics, dict):
        return None
    reported = {ours: number(metrics.get(name)) for name, ours in REQUEST_FIGURES.items()}
    return {ours: round(ms, 3) for ours, ms in reported.items() if ms is not None} or None


def gauges(metrics: str) -> dict[str, float]:
    """Returns the reported gauges, summed over models and engines."""
    return sum_by_name(metrics, GAUGES)


def gauge(metrics: str, name: str) -> float | None:
    """Returns one gauge without parsing the rest; None if not reported."""
    begin, end = metrics.find(name), metrics.rfind(name)
    if begin < 0:
        return None
    lines = metrics[metrics.rfind("\n", 0, begin) + 1 : metrics.find("\n", end) + 1 or None]
    return sum_by_name(lines, (name,)).get(name)


def counters(metrics: str) -> dict[str, float]:
    """Returns the reported counters, with ``_total`` or without, summed over models and engines."""
    totals = sum_by_name(metrics, [f"{name}_total" for name in COUNTERS])
    return sum_by_name(metrics, COUNTERS) | {name.removesuffix("_total"): value for name, value in totals.items()}


def sum_by_name(metrics: str, names: Collection[str]) -> dict[str, float]:
    """Skips what is not a number."""
    figures: dict[str, float] = {}
    for line in metrics.splitlines():
        name, _, value = line.rpartition(" ")
        plain = name.partition("{")[0].removeprefix("vllm:")
        if plain in names and not line.startswith("#") and (figure := figure_of(value)) is not None:
            figures[plain] = figures.get(plain, 0.0) + figure
    return figures


def figure_of(text: str) -> float | None:
    """Returns None for an impossible value: below zero, not finite, or absurdly large."""
    try:
        return number(float(text))
    except ValueError:
        return None


def differences(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Returns the counters' increases; empty if the server has restarted counting."""
    if any(now.get(name, 0.0) < value for name, value in before.items()):
        return {}
    return {name: value - before[name] for name, value in now.items() if name in before}
