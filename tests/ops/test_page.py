"""What the operators' page says, without a script."""

from datetime import UTC, datetime, timedelta

import msgspec
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from redis import Redis

from conversations.models.generation import Status
from streaming import model_health, presence
from streaming.model_health import Health
from streaming.presence import WorkerState
from streaming.vllm.client import ModelServer
from streaming.warmth import Warming, told_key
from tests.ops.rows import CANARY, asked, ended, failed

SERVER = "127.0.0.1:9"  # of tests/settings.py


def probed(ago: float = 1, *, healthy: bool = True, error: str = "") -> None:
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    figures = {"num_requests_running": 3.0, "num_requests_waiting": 2.0, "kv_cache_usage_perc": 0.25}
    found = Health(SERVER, moment, healthy, error, models=["llama"], version="0.11", figures=figures)
    model_health.store([found])


def text_of(client: Client, page: str = "/ops/") -> str:
    return " ".join(client.get(page).content.decode().split())


def test_no_text_of_users_is_on_it(operator: Client, alice: User) -> None:
    asked(alice)
    asked(alice, status=Status.RUNNING)
    ended(alice)
    failed(alice, "refused")

    for page in ("/ops/", "/ops/?status=failed", f"/ops/?status={CANARY}"):
        assert CANARY not in text_of(operator, page)


def test_it_lists_generations_with_their_phases(operator: Client, alice: User) -> None:
    ended(alice, ttft=0.5, writing=2.0)

    page = text_of(operator)

    assert "alice" in page and "a-model" in page and "a-server:8000" in page
    assert 'aria-label="queued 0.100 s, starting 0.100 s, waiting 0.300 s, writing 2.000 s, finishing 0.100 s"' in page


def test_it_can_be_narrowed_to_a_state(operator: Client, alice: User) -> None:
    ended(alice, model="the-good-one")
    failed(alice, "internal", model="the-bad-one")

    page = text_of(operator, "/ops/?status=failed")

    assert "the-bad-one" in page and "the-good-one" not in page


def test_a_healthy_site_has_no_troubles(operator: Client, worker: None) -> None:
    probed()

    page = text_of(operator)

    assert "notice" not in page
    for words in ("llama", "3 running", "2 waiting", "KV cache 25%", "host:1", "7 attempts running", "12 open sockets"):
        assert words in page


def test_it_says_what_a_server_counts(operator: Client, worker: None) -> None:
    counted = {"spec_decode_num_draft_tokens": 40.0, "spec_decode_num_accepted_tokens": 30.0, "num_preemptions": 1.0}
    model_health.store([Health(SERVER, datetime.now(UTC), healthy=True, counters=counted)])

    page = text_of(operator)

    assert "drafts accepted 75% over all<" in page and "1 preemption<" in page and "prefix cache" not in page


def test_a_server_that_is_down_is_named(operator: Client, worker: None) -> None:
    probed(healthy=False, error="connection refused")

    assert f"{SERVER} does not answer as a model server should: connection refused" in text_of(operator)


def warmed(store: Redis, error: str = "") -> None:
    last = Warming(datetime.now(UTC), 85, error)
    store.set(told_key(ModelServer(f"http://{SERVER}/v1"), ""), msgspec.json.encode(last))


def test_it_says_how_warm_tiers_are(operator: Client, worker: None, store: Redis, settings: Settings) -> None:
    settings.WARM_MODELS = True
    probed()
    assert "cold</span> Default" in text_of(operator)

    warmed(store)
    assert "warm</span> Default · last token now · warmed in 85 ms" in text_of(operator)

    warmed(store, "no token within 30 s")
    assert "failed</span> Default · not warmed, now: no token within 30 s" in text_of(operator)


def test_a_server_that_is_down_has_nothing_warm(
    operator: Client, worker: None, store: Redis, settings: Settings
) -> None:
    settings.WARM_MODELS = True
    warmed(store)
    probed(healthy=False)

    assert "Default" not in text_of(operator)


def test_an_old_probe_is_said_to_be_old(operator: Client, worker: None) -> None:
    probed(ago=100)

    page = text_of(operator)

    assert f"{SERVER}: no probe for 100 s: do the worker and beat run?" in page
    assert "healthy" not in page


def test_no_worker_is_said(operator: Client, store: Redis) -> None:
    assert "No worker is alive" in text_of(operator)


def test_a_worker_that_fell_silent_is_forgotten(operator: Client, worker: None, store: Redis) -> None:
    store.delete(presence.key_of("WorkerState", "host:1"))

    assert "No worker is alive" in text_of(operator)
    assert presence.living(store, WorkerState) == []
    assert store.smembers("throughline:alive:WorkerState") == set()


def test_it_is_readable_without_redis(operator: Client, alice: User, no_redis: None) -> None:
    ended(alice)

    page = text_of(operator)

    assert "Redis does not answer" in page and "No worker is alive" not in page and "a-model" in page


def test_each_piece_that_changes_has_a_name_of_its_own(operator: Client) -> None:
    page = text_of(operator)

    names = [piece.partition('"')[0] for piece in page.split('data-live="')[1:]]
    assert len(names) == len(set(names)) > 5
