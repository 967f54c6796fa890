"""Is this process alive, and can it serve? Both answer JSON, without sign-in; ALLOWED_HOSTS applies."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from streaming import model_health
from streaming.workers import living_workers

TIMEOUT_S = 2.0
PROBE_KEY = "throughline:readyz"


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers; tests nothing else, so that a broken database restarts no web process."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if pages and sockets can be served, else 503 with what fails. Missing workers and model servers are told,
    and do not fail it: questions are accepted and wait."""
    needed = {"database": check_database, "redis": check_redis, "static": check_static}
    checks = {name: outcome(check) for name, check in needed.items()}
    ready = all(result == "ok" for result in checks.values())
    told = {"workers": outcome(check_workers), "model_servers": outcome(check_model_servers)} if ready else {}
    degraded = any(result != "ok" for result in told.values())
    status = ("degraded" if degraded else "ready") if ready else "not ready"
    return JsonResponse({"status": status, "checks": checks | told}, status=200 if ready else 503)


class NotWell(Exception):
    """``str()`` says what is wrong, without secrets."""


def outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except NotWell as error:
        return str(error)
    except (DatabaseError, RedisError, OSError) as error:
        return type(error).__name__
    return "ok"


def check_database() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotWell("migrations are missing: run manage.py migrate")


def redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


def check_redis() -> None:
    with redis() as client:
        client.set(PROBE_KEY, 1, ex=60)


def check_static() -> None:
    if not settings.DEBUG and not (settings.STATIC_ROOT / "staticfiles.json").is_file():
        raise NotWell("static files are missing: run manage.py collectstatic")


def check_workers() -> None:
    with redis() as client:
        if not living_workers(client):
            raise NotWell("no worker is alive: answers wait")


def check_model_servers() -> None:
    with redis() as client:
        probes = model_health.last_probes(client)
    if not probes:
        raise NotWell("not probed lately")
    if ill := [probe.name for probe in probes if not probe.healthy]:
        raise NotWell(f"unreachable: {', '.join(ill)}")
