"""Gauges: queued and running answers, processes and model servers, today's spending."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence

import django
from django.conf import settings
from django.db import connection
from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily, Metric

from conversations import site_time
from conversations.models import AlertEpisode
from conversations.models.billing.budget import SiteUse
from conversations.models.operations.alert_rule import Severity
from streaming.model_servers.breaker import BreakerState
from streaming.model_servers.vllm.metrics import KV_CACHE, RUNNING, WAITING
from streaming.model_servers.warmth import TierWarmth, Warmth
from streaming.operations.measurements.answers import oldest_queued, unfinished_counts
from streaming.operations.measurements.live import ServerState, live
from streaming.telemetry.heartbeats import State

from .families import PREFIX, gauge, gauges

SERVER_GAUGES = {
    "requests_running": (RUNNING, "Requests that the model server works on, by its last probe."),
    "requests_waiting": (WAITING, "Requests that wait in the model server, by its last probe."),
    "kv_cache_usage_ratio": (KV_CACHE, "Share of the KV cache in use, by its last probe."),
}


def of_the_database() -> Iterable[Metric]:
    """Five queries."""
    built = {"python": platform.python_version(), "django": django.get_version()}
    text = "What the scraped process was built of; always 1."
    yield gauges("build_info", text, "database", {connection.vendor: 1}, **built)
    for status, count in unfinished_counts().items():
        yield gauge(f"generations_{status}", f"Generations that are {status}.", count)
    oldest = oldest_queued(site_time.now())
    age = oldest.total_seconds() if oldest else 0
    yield gauge("oldest_queued_age_seconds", "How long the question that waits longest has waited; 0 if none.", age)
    yield from budget()
    yield from alerts()


def budget() -> Iterable[Metric]:
    """The whole site's; limit and share only if there is a limit."""
    site, currency = SiteUse.of_today(), settings.BUDGET_CURRENCY
    used = {currency: float(site.used)}
    yield gauges("budget_used", "Spent and reserved today, by the whole site.", "currency", used)
    if site.limit is not None:
        yield gauges("budget_limit", "What the whole site may spend today.", "currency", {currency: float(site.limit)})
    if site.percent is not None:
        yield gauge("budget_used_ratio", "Share of today's budget that is spent or reserved.", site.percent / 100)


def alerts() -> Iterable[Metric]:
    """One query."""
    found = AlertEpisode.objects.open().order_by().values_list("rule__severity").annotate(Count("pk"))
    counted = {**dict.fromkeys(Severity.values, 0), **dict(found)}
    yield gauges("alerts_open", "Raised by the site's own rules, and not ended.", "severity", counted)


def of_the_processes() -> Iterable[Metric]:
    now = live()
    yield gauge("redis_up", "1 if Redis answers.", int(now.redis is not None))
    if now.redis is None:
        return
    yield from model_servers(now.servers)
    yield from warmths([tier for server in now.servers for tier in server.tiers])
    yield gauge("workers", "Worker processes heard from within 6 s.", len(now.workers))
    yield gauge("web_processes", "Web processes heard from within 6 s.", len(now.webs))
    yield gauge("attempts_running", "Attempts that workers report running.", now.attempts)
    yield gauge("sockets_open", "Chat sockets that web processes report open.", now.sockets)
    yield from process_stats({"web": now.webs, "worker": now.workers, "background": now.backgrounds})


def process_stats(processes: Mapping[str, Sequence[State]]) -> Iterable[Metric]:
    """Without kinds of which no process reports stats."""
    memory: dict[str, float] = {}
    lags: dict[str, float] = {}
    for kind, several in processes.items():
        if reported := [state.stats for state in several if state.stats]:
            memory[kind] = sum(stats.rss for stats in reported)
            lags[kind] = max((stats.lag.p95_ms / 1000 for stats in reported if stats.lag), default=0.0)
    if memory:
        text = "Memory of all processes of a kind together."
        yield gauges("resident_memory_bytes", text, "kind", memory)
        text = "How late event loops wake: the p95 of the last seconds of the process that is worst."
        yield gauges("event_loop_lag_seconds", text, "kind", lags)


def model_servers(servers: list[ServerState]) -> Iterable[Metric]:
    up = {server.name: int(server.is_up) for server in servers}
    yield of_servers("up", "1 if the last probe is fresh and succeeded.", up)
    ages = {server.name: server.age.total_seconds() for server in servers if server.age is not None}
    yield of_servers("probe_age_seconds", "Time since the last probe.", ages)
    shut = {s.name: sum(state != BreakerState.CLOSED for state in s.breakers) for s in servers}
    yield of_servers("breakers_open", "Workers whose breaker is open, since it failed.", shut)
    for name, (key, text) in SERVER_GAUGES.items():
        known = {s.name: s.probe.gauges[key] for s in servers if s.is_up and s.probe and key in s.probe.gauges}
        yield of_servers(name, text, known)


def of_servers(name: str, text: str, values: Mapping[str, float]) -> Metric:
    return gauges(f"model_server_{name}", text, "server", values)


def warmths(tiers: list[TierWarmth]) -> Iterable[Metric]:
    """Empty if models are not kept warm."""
    warm = GaugeMetricFamily(f"{PREFIX}tier_warm", "1 if it returned a token lately.", labels=["tier", "server"])
    took = GaugeMetricFamily(f"{PREFIX}tier_warming_seconds", "What its last warming took.", labels=["tier", "server"])
    for tier in tiers:
        warm.add_metric([tier.tier, tier.server], int(tier.warmth is Warmth.WARM))
        if tier.ms is not None:
            took.add_metric([tier.tier, tier.server], tier.ms / 1000)
    if tiers:
        yield from (warm, took)
