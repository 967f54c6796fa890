"""/metrics for Prometheus: right whichever process is scraped, since it is counted from the database and Redis.

Histograms are over all generations that are remembered; purging old conversations resets counters, which Prometheus
takes for a restart.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from conversations.models import Generation
from conversations.models.generation import Status

from .live import live as live_state

TTFT_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
DURATION_BUCKETS_S = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """With METRICS_TOKEN set, for its bearer; else for this machine's own addresses, and not through a proxy."""
    if not may_read(request):
        sentence = "Send the METRICS_TOKEN as a bearer token, or ask from this machine itself.\n"
        return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")
    registry = CollectorRegistry()
    registry.register(Collector())  # type: ignore[arg-type]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class Collector:
    """Counts when it is asked."""

    def collect(self) -> Iterable[Metric]:
        yield from generations()
        yield histogram(
            "throughline_time_to_first_token_seconds",
            "From the acceptance of a question to the model's first token, as the server saw it.",
            "first_token_at",
            TTFT_BUCKETS_S,
        )
        yield histogram(
            "throughline_generation_duration_seconds",
            "From the acceptance of a question to the end of its answer.",
            "finished_at",
            DURATION_BUCKETS_S,
        )
        yield from live()


def generations() -> Iterable[Metric]:
    counted = dict(Generation.objects.order_by().values_list("status").annotate(Count("pk")))
    ended = CounterMetricFamily("throughline_generations", "Generations that ended, by outcome.", labels=["outcome"])
    for status in (Status.DONE, Status.STOPPED, Status.FAILED):
        ended.add_metric([status.value], counted.get(status.value, 0))
    yield ended
    errors = CounterMetricFamily("throughline_generation_errors", "Failed generations, by error.", labels=["code"])
    failed = Generation.objects.exclude(error_code="").order_by()
    for code, count in failed.values_list("error_code").annotate(Count("pk")):
        errors.add_metric([code], count)
    yield errors
    for status in (Status.RUNNING, Status.QUEUED):
        name = f"throughline_generations_{status.value}"
        yield GaugeMetricFamily(name, f"Generations that are {status.value}.", counted.get(status.value, 0))
    sums = Generation.objects.aggregate(
        read=Sum("prompt_tokens"), written=Sum("completion_tokens"), tried=Sum("attempt", filter=Q(attempt__gt=1)),
        taken=Count("pk", filter=Q(attempt__gt=1)),
    )  # fmt: skip
    yield CounterMetricFamily("throughline_prompt_tokens", "Tokens that models read.", sums["read"] or 0)
    yield CounterMetricFamily("throughline_completion_tokens", "Tokens that models wrote.", sums["written"] or 0)
    takeovers = (sums["tried"] or 0) - sums["taken"]
    yield CounterMetricFamily("throughline_takeovers", "Attempts that went on with another's answer.", takeovers)


def histogram(name: str, text: str, until: str, buckets: tuple[float, ...]) -> HistogramMetricFamily:
    """One query: cumulative counts of the time from acceptance to the moment ``until``."""
    took = ExpressionWrapper(F(until) - F("accepted_at"), output_field=DurationField())
    rows = Generation.objects.filter(**{f"{until}__isnull": False}).annotate(took=took)
    counts = {f"b{i}": Count("pk", filter=Q(took__lte=timedelta(seconds=s))) for i, s in enumerate(buckets)}
    found = rows.aggregate(**counts, all=Count("pk"), sum=Sum("took"))
    filled = [(str(bound), found[f"b{i}"]) for i, bound in enumerate(buckets)] + [("+Inf", found["all"])]
    total = found["sum"].total_seconds() if found["sum"] else 0.0
    return HistogramMetricFamily(name, text, buckets=filled, sum_value=total)


def live() -> Iterable[Metric]:
    """What Redis knows: model servers and workers."""
    now = live_state()
    servers, workers = now.servers, now.workers
    yield GaugeMetricFamily("throughline_redis_up", "1 if Redis answers.", int(now.redis is not None))
    up = GaugeMetricFamily("throughline_model_server_up", "1 if the last probe was well.", labels=["server"])
    for server in servers:
        up.add_metric([server.name], int(server.is_up))
    yield up
    yield GaugeMetricFamily("throughline_workers", "Workers that were heard of lately.", len(workers))
