"""/healthz and /readyz: is this process alive, and can it serve? Both return JSON, without sign-in or HTTPS, under any
host name or address (chatsite/middleware.py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from streaming.chat.shutdown import shutting_down
from streaming.coordination.redis_clients import open_sync_client
from streaming.operations.measurements.live import Live, live

LIMIT_S = 3.0  # for all checks together, which run concurrently
PROBE_KEY = "throughline:readyz"
PROBE_KEPT_S = 60

# A check that hangs blocks its thread, not the response.
_threads = ThreadPoolExecutor(8, thread_name_prefix="readyz")


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the event loop of this process runs. A broken database must not restart web processes."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if pages and sockets can be served, else 503 with the failing checks. Missing workers and model servers are
    reported as "degraded" and fail nothing: questions are accepted, and wait."""
    needed = {"process": check_process, "database": check_database, "redis": check_redis, "static": check_static}
    optional = {"workers": check_workers, "model_servers": check_model_servers}
    found = outcomes({**needed, **optional})
    is_ready = all(found[name] == "ok" for name in needed)
    is_whole = all(result == "ok" for result in found.values())
    status = ("ready" if is_whole else "degraded") if is_ready else "not ready"
    response = JsonResponse({"status": status, "checks": found}, status=200 if is_ready else 503)
    # Otherwise Django logs each 503 as a server error.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class NotWell(Exception):
    """``str()`` says what is wrong. It is public: no address, no secret."""


def outcomes(checks: Mapping[str, Callable[[], None]]) -> dict[str, str]:
    """For each check "ok", or what is wrong."""
    until = time.monotonic() + LIMIT_S
    running = {name: _threads.submit(outcome, check) for name, check in checks.items()}
    found = {}
    for name, future in running.items():
        try:
            found[name] = future.result(max(until - time.monotonic(), 0))
        except TookTooLong:
            future.cancel()
            found[name] = f"no answer within {LIMIT_S:g} s"
    return found


def outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except NotWell as error:
        return str(error)
    except (DatabaseError, RedisError, OSError) as error:
        # Without the error's text, which can name hosts and users.
        return f"does not work: {type(error).__name__}"
    finally:
        # This thread's connection: each check proves that a new one can be opened.
        connection.close()
    return "ok"


def check_process() -> None:
    if shutting_down.is_set():
        raise NotWell("was told to end: another one takes over")


def check_database() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotWell("migrations are missing: run manage.py migrate")


def check_redis() -> None:
    with open_sync_client() as redis:
        redis.set(PROBE_KEY, 1, ex=PROBE_KEPT_S)


def check_static() -> None:
    if not settings.DEBUG and not (settings.STATIC_ROOT / "staticfiles.json").is_file():
        raise NotWell("static files are missing: run manage.py collectstatic")


def check_workers() -> None:
    now = known_live()
    if not now.workers:
        raise NotWell("no worker is up: answers wait")
    if not now.backgrounds:
        raise NotWell("no background worker is up: the answers of a lost worker are not taken over")


def check_model_servers() -> None:
    servers = known_live().servers
    if not any(server.is_fresh for server in servers):
        raise NotWell("not probed lately: does the background worker run, and beat?")
    if down := [server for server in servers if not server.is_up]:
        raise NotWell(f"{len(down)} of {len(servers)} do not answer")


def known_live() -> Live:
    now = live()
    if now.redis is None:
        raise NotWell("unknown, without Redis")
    return now
