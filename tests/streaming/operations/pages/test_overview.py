"""What the operators' page says, without a script."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis import Redis

from conversations.models import Budget
from conversations.models.generation.generation import Status
from conversations.models.operations.recording import record_ended
from streaming.model_servers import probes
from streaming.model_servers.probes import Health
from streaming.model_servers.vllm.client import ModelServer
from streaming.model_servers.warmth import Warming, warming_key
from streaming.telemetry import counters, heartbeats
from streaming.telemetry.heartbeats import WebState, WorkerState
from tests.streaming.operations.rows import CANARY, asked, ended, failed

from .test_processes import process_stats

SERVER = "127.0.0.1:9"  # of tests/settings.py


def probed(ago: float = 1, *, healthy: bool = True, error: str = "") -> None:
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    figures = {"num_requests_running": 3.0, "num_requests_waiting": 2.0, "kv_cache_usage_perc": 0.25}
    found = Health(SERVER, moment, healthy, error, models=["llama"], version="0.11", gauges=figures)
    probes.store([found])


def text_of(client: Client, page: str = "/ops/") -> str:
    return " ".join(client.get(page).content.decode().split())


def test_no_text_of_users_is_on_it(operator: Client, alice: User) -> None:
    asked(alice)
    asked(alice, status=Status.RUNNING)
    ended(alice)
    failed(alice, "refused")

    assert CANARY not in text_of(operator)


@pytest.mark.parametrize("page", ["/ops/", "/ops/generations/", "/ops/servers/"])
def test_the_words_of_users_that_a_plan_quotes_are_not_even_read(operator: Client, alice: User, page: str) -> None:
    ended(alice, server=SERVER)
    asked(alice, status=Status.RUNNING)

    with CaptureQueriesContext(connection) as queries:
        operator.get(page)

    read = [query["sql"] for query in queries if '"conversations_generation"."id"' in query["sql"]]
    assert read and not any('"conversations_generation"."plan"' in sql for sql in read)


def test_fallbacks_are_told_by_their_ways(operator: Client, store: Redis) -> None:
    assert "Fallbacks so far" not in text_of(operator)

    store.hset(counters.KEY, mapping={"fallback:other_tier": 2, "fallback:budget": 1, "fallback:not_streamed": 0})

    assert "Fallbacks so far: 2 by another tier · 1 cheaper, by the budget." in text_of(operator)


def test_a_healthy_site_has_no_troubles(operator: Client, worker: None) -> None:
    probed()

    page = text_of(operator)

    assert "Healthy." in page and "notice--error" not in page and "notice--warning" not in page
    for words in ("3 running", "2 waiting", "KV cache 25%", "7 of 256 places taken", "12 open sockets"):
        assert words in page


def test_a_server_that_is_down_is_named(operator: Client, worker: None) -> None:
    probed(healthy=False, error="connection refused")

    assert f"{SERVER} does not answer as a model server should: connection refused" in text_of(operator)


def warmed(store: Redis, error: str = "") -> None:
    last = Warming(datetime.now(UTC), 85, error)
    store.set(warming_key(ModelServer(f"http://{SERVER}/v1"), ""), msgspec.json.encode(last))


def test_an_old_probe_is_said_to_be_old(operator: Client, worker: None) -> None:
    probed(ago=100)

    page = text_of(operator)

    assert re.search(rf"{SERVER}: no probe for 1\d\d s: do beat and the background worker run\?", page)
    assert "healthy</span>" not in page


def test_its_score_tells_which_part_took_how_much(operator: Client, worker: None) -> None:
    probed(healthy=False, error="connection refused")

    page = text_of(operator)

    assert '<span class="health__number">50</span>' in page
    assert '</span></th><td>0 of 1 in use</td><td class="number"><span class="ops__bad">−50' in page


def test_what_today_cost_stands_beside_the_limit(operator: Client) -> None:
    Budget.objects.create(whole_site=True, daily_limit=5)

    assert '0.00 EUR <span class="ops__aside">of 5.00 EUR' in text_of(operator)


def test_what_the_page_of_processes_calls_bad_is_no_well_here(operator: Client, worker: None, store: Redis) -> None:
    probed()
    busy = WebState(process="host:2", told_at=datetime.now(UTC), sockets=12, stats=process_stats(cpu=0.97))
    with store.pipeline() as pipeline:
        heartbeats.put(pipeline, busy)
        pipeline.execute()

    page = text_of(operator)

    assert "Web host:2: it keeps 1.0 cores busy" in page and "Healthy." not in page
    assert "Web host:2: it keeps 1.0 cores busy" in text_of(operator, "/ops/processes/")


def test_pages_that_do_not_read_are_told(operator: Client, slow_page: None) -> None:
    page = text_of(operator)

    assert "Slow browser." in page and "2 not reading" in page


def test_no_worker_is_said(operator: Client, store: Redis) -> None:
    assert "No worker is up" in text_of(operator)


def test_a_worker_that_fell_silent_is_forgotten(operator: Client, worker: None, store: Redis) -> None:
    store.delete(heartbeats.key_of("WorkerState", "host:1"))

    assert "No worker is up" in text_of(operator)
    assert heartbeats.living(store, WorkerState) == []
    assert store.smembers("throughline:alive:WorkerState") == set()


def test_it_is_readable_without_redis(operator: Client, alice: User, no_redis: None) -> None:
    ended(alice)
    record_ended()

    page = text_of(operator)

    assert "Redis does not answer" in page and "No worker is up" not in page and re.search("0.(49|50|51|52)", page)


def test_each_piece_that_changes_has_a_name_of_its_own(operator: Client) -> None:
    page = text_of(operator)

    names = [piece.partition('"')[0] for piece in page.split('data-live="')[1:]]
    assert len(names) == len(set(names)) > 5
