"""/metrics for Prometheus, read from the database and Redis, so the result is the same whichever process is scraped.

Scrape any one web process, not each of them. If METRICS_TOKEN is set, requests must bear it; else only this machine may
read.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from streaming.coordination.redis_clients import open_sync_client
from streaming.telemetry import counters
from streaming.telemetry.heartbeats import REFUSED

from . import counter_families, gauge_families
from .families import counts

PROXIED_BY = ("X-Forwarded-For", "Forwarded", "X-Real-IP")  # headers that a proxy adds
NO_TOKEN = "Send METRICS_TOKEN as a bearer token: `Authorization: Bearer …`.\n"
NOT_FROM_HERE = (
    "METRICS_TOKEN is not set, so only this machine itself may read the metrics, and not through a proxy. "
    "Set METRICS_TOKEN, and send it as a bearer token.\n"
)


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
    """Reads at each scrape. Without Redis, metrics from Redis are missing: no value is better than a wrong one."""

    def collect(self) -> Iterable[Metric]:
        yield from gauge_families.of_the_database()
        yield from gauge_families.of_the_processes()
        yield from counter_families.of_answers()
        try:
            with open_sync_client() as redis:
                by_processes = counters.read(redis)
                refused: Any = redis.hgetall(REFUSED)
        except (RedisError, OSError):
            return
        yield from counter_families.by_processes(by_processes)
        by_code = {code.decode(): int(count) for code, count in refused.items()}
        yield counts("refused_commands", "Commands of chat pages that were refused, by the reason.", "code", by_code)
