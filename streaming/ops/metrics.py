"""/metrics for Prometheus: the same whichever process is scraped, since it is counted from the database and Redis.

Scrape any one web process, not each. With METRICS_TOKEN set, its bearer may read; else this machine alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.errors import ErrorCode
from conversations.models.generation import UNFINISHED, Status
from streaming.breaker import BreakerState
from streaming.presence import REFUSED
from streaming.vllm.figures import KV_CACHE, RUNNING, WAITING
from streaming.warmth import TierWarmth, Warmth

from .live import ServerState, live, redis_client
from .tally import DURATION, TIME_TO_FIRST_TOKEN, buckets, tally

PREFIX = "throughline_"
PROXIED_BY = ("X-Forwarded-For", "Forwarded", "X-Real-IP")  # headers that a proxy adds
NO_TOKEN = "Send METRICS_TOKEN as a bearer token: `Authorization: Bearer …`.\n"
NOT_FROM_HERE = (
    "METRICS_TOKEN is not set, so only this machine itself may read the metrics, and not through a proxy. "
    "Set METRICS_TOKEN, and send it as a bearer token.\n"
)
HISTOGRAMS = {
    TIME_TO_FIRST_TOKEN: "From the acceptance of a question to the model's first token, as the server saw it.",
    DURATION: "From the acceptance of a question to the end of its answer, however it ended.",
}
SERVER_GAUGES = {
    "requests_running": (RUNNING, "Requests that the model server works on, as it told the last probe."),
    "requests_waiting": (WAITING, "Requests that wait in the model server, as it told the last probe."),
    "kv_cache_usage_ratio": (KV_CACHE, "Share of the KV cache in use, as it told the last probe."),
}


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if settings.METRICS_TOKEN and not has_token(request):
        refusal = HttpResponse(NO_TOKEN, status=401, content_type="text/plain; charset=utf-8")
        refusal["WWW-Authenticate"] = "Bearer"
        return refusal
    if not settings.METRICS_TOKEN and not is_from_here(request):
        return HttpResponse(NOT_FROM_HERE, status=403, content_type="text/plain; charset=utf-8")
    registry = CollectorRegistry()
    registry.register(Everything())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())


def is_from_here(request: HttpRequest) -> bool:
    if any(header in request.headers for header in PROXIED_BY):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class Everything(Collector):
    """Looks when it is asked. Without Redis, what only Redis knows is missing: no figure is better than a wrong one."""

    def collect(self) -> Iterable[Metric]:
        yield from unfinished()
        yield from processes()
        try:
            with redis_client() as redis:
                counters = tally(redis)
                refused: Any = redis.hgetall(REFUSED)
        except (RedisError, OSError):
            return
        yield from ended(counters)
        by_code = {code.decode(): int(count) for code, count in refused.items()}
        yield labelled("refused_commands", "Commands of chat pages that were refused, by the reason.", "code", by_code)


def unfinished() -> Iterable[Metric]:
    counted = dict(Generation.objects.unfinished().order_by().values_list("status").annotate(Count("pk")))
    for status in UNFINISHED:
        yield gauge(f"generations_{status}", f"Generations that are {status}.", counted.get(status, 0))
    since = Generation.objects.filter(status=Status.QUEUED).aggregate(since=Min("accepted_at"))["since"]
    age = (timezone.now() - since).total_seconds() if since else 0
    yield gauge("oldest_queued_age_seconds", "How long the question that waits longest has waited; 0 if none.", age)


def processes() -> Iterable[Metric]:
    now = live()
    yield gauge("redis_up", "1 if Redis answers.", int(now.redis is not None))
    if now.redis is None:
        return
    yield from model_servers(now.servers)
    yield from warmths([tier for server in now.servers for tier in server.tiers])
    yield gauge("workers", "Worker processes that were heard of lately.", len(now.workers))
    yield gauge("attempts_running", "Attempts that workers say they run.", now.attempts)
    yield gauge("sockets_open", "Chat sockets that web processes say are open.", now.sockets)


def model_servers(servers: list[ServerState]) -> Iterable[Metric]:
    up = {server.name: int(server.is_up) for server in servers}
    yield of_servers("up", "1 if the last probe is fresh and was well.", up)
    ages = {server.name: server.age.total_seconds() for server in servers if server.age is not None}
    yield of_servers("probe_age_seconds", "Time since the last probe.", ages)
    shut = {s.name: sum(state != BreakerState.CLOSED for state in s.breakers) for s in servers}
    yield of_servers("breakers_open", "Workers that leave it alone, since it failed lately.", shut)
    for name, (wanted, text) in SERVER_GAUGES.items():
        known = {s.name: s.probe.figures[wanted] for s in servers if s.is_up and s.probe and wanted in s.probe.figures}
        yield of_servers(name, text, known)


def warmths(tiers: list[TierWarmth]) -> Iterable[Metric]:
    """Nothing if nobody keeps models warm."""
    warm = GaugeMetricFamily(f"{PREFIX}tier_warm", "1 if it gave a token lately.", labels=["tier", "server"])
    took = GaugeMetricFamily(f"{PREFIX}tier_warming_seconds", "What its last warming took.", labels=["tier", "server"])
    for tier in tiers:
        warm.add_metric([tier.tier, tier.server], int(tier.warmth is Warmth.WARM))
        if tier.ms is not None:
            took.add_metric([tier.tier, tier.server], tier.ms / 1000)
    if tiers:
        yield from (warm, took)


def ended(counters: Mapping[str, float]) -> Iterable[Metric]:
    outcomes = {str(s): counters.get(f"ended:{s}", 0) for s in Status if s.is_final}
    yield labelled("generations", "Generations that ended, by outcome.", "outcome", outcomes)
    errors = {str(code): counters.get(f"errors:{code}", 0) for code in ErrorCode}
    yield labelled("generation_errors", "Generations that failed, by error.", "code", errors)
    for name, text in (
        ("prompt_tokens", "Tokens that models read for generations that ended."),
        ("completion_tokens", "Tokens that models wrote in generations that ended."),
        ("failovers", "Model servers that failed in generations that ended, so that another one went on."),
        ("takeovers", "Attempts that went on with what another had begun, of generations that ended."),
    ):
        yield CounterMetricFamily(f"{PREFIX}{name}", text, counters.get(name, 0))
    for name, text in HISTOGRAMS.items():
        full_name = f"{PREFIX}{'generation_' if name == DURATION else ''}{name}_seconds"
        total = counters.get(f"{name}:sum", 0.0)
        yield HistogramMetricFamily(full_name, text, buckets=buckets(name, counters), sum_value=total)


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, value)


def labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def of_servers(name: str, text: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}model_server_{name}", text, labels=["server"])
    for server, value in values.items():
        family.add_metric([server], value)
    return family
