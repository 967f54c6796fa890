"""The page of model servers, and its buttons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from redis import Redis

from streaming.coordination.redis_clients import command_client
from streaming.model_servers import drains, probes
from streaming.model_servers.capabilities import NO, YES, Capabilities, Capability, Continuing, Probabilities
from streaming.model_servers.probes import Health
from streaming.model_servers.vllm.client import ModelServer
from streaming.telemetry import heartbeats
from tests.streaming.operations.rows import asked, ended

SERVER = "127.0.0.1:9"  # of tests/settings.py
PAGE = "/ops/servers/"
DRAIN = "/ops/servers/drain/"


@pytest.fixture
async def worker() -> None:
    """Its breaker is open, and a request is on its way to the server."""
    redis = command_client()
    await heartbeats.publish_worker(redis, "host:1", 1, {SERVER: "open"}, requests={SERVER: 3})
    await redis.aclose()


@pytest.fixture
def probed() -> None:
    figures = {"num_requests_running": 3.0, "num_requests_waiting": 2.0, "kv_cache_usage_perc": 0.25}
    counters = {"prefix_cache_queries": 100.0, "prefix_cache_hits": 40.0, "num_preemptions": 7.0}
    earlier = datetime.now(UTC) - timedelta(seconds=10)
    before = Health(SERVER, earlier, healthy=True, counters=counters | {"num_preemptions": 5.0})
    now = {"models": ["llama"], "version": "0.11", "seconds": 0.012, "gauges": figures, "counters": counters}
    probes.store([before])
    probes.store([Health(SERVER, datetime.now(UTC), healthy=True, **now)])


def text_of(client: Client) -> str:
    return " ".join(client.get(PAGE).content.decode().split())


def fact(page: str, name: str) -> str:
    """What stands beside this name, without its markup."""
    told = page.partition(f"<dt>{name}</dt><dd>")[2].partition("</dd>")[0]
    return told.replace('<span class="ops__aside">', "").replace("</span>", "")


def test_what_a_server_tells_of_itself_is_shown(operator: Client, probed: None, worker: None) -> None:
    page = text_of(operator)

    assert "healthy" in page and "llama" in page and "version 0.11" in page
    told = {"Running there": "3", "Waiting there": "2", "KV cache in use": "25%", "Prefix cache hits": "40%"}
    told |= {"Preemptions": "7 2 lately", "Probe took": "12 ms", "Drafts accepted": "not reported"}
    assert {name: fact(page, name) for name in told} == told


def test_what_a_server_does_not_tell_is_said(operator: Client) -> None:
    probes.store([Health(SERVER, datetime.now(UTC), healthy=True, models=["llama"])])

    page = text_of(operator)

    assert "healthy" in page and "version not reported" in page and fact(page, "Running there") == "not reported"


def test_what_we_do_there_is_shown(operator: Client, worker: None, alice: User) -> None:
    ended(alice, ttft=0.5, writing=2.0, server=SERVER)
    asked(alice, server=SERVER)

    page = text_of(operator)

    assert fact(page, "Our requests there") == "3 without a limit"
    assert fact(page, "First token after the request") == "0.300 s p50"
    assert fact(page, "Tokens/s of one answer") == "50.0 p50"
    assert 'badge--warning">open</span> <span class="quiet">breaker of worker host:1' in page


async def learn(*seen: tuple[str, Capability, str]) -> None:
    """As a worker does: model, capability, value."""
    redis, capabilities = command_client(), Capabilities()
    for model, capability, value in seen:
        capabilities.learn(ModelServer(f"http://{SERVER}/v1"), model, capability, value)
    await capabilities.exchange(redis)
    await redis.aclose()


@pytest.fixture
async def learned() -> None:
    await learn(
        ("llama", Capability.CONTINUING, Continuing.REPEATS),
        ("llama", Capability.PROBABILITIES, Probabilities.TOP_ONE),
        ("llama", Capability.USAGE, YES),
        ("mistral", Capability.USAGE, NO),
    )


def test_what_workers_learned_of_a_server_is_told(operator: Client, learned: None) -> None:
    page = text_of(operator)

    told = {
        "Continues a text": "repeats the beginning",
        "Probabilities": "reported, only with top_logprobs 1",
        "Usage in the stream": "llama: yes; mistral: no",
        "Streams": "not learned yet",
    }
    assert {name: fact(page, name) for name in told} == told


def test_the_rows_cost_one_query(
    operator: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        ended(alice, server=SERVER)

    with django_assert_max_num_queries(8):  # session, user, permissions of two kinds; tiers twice; open alerts
        operator.get(PAGE)


def test_a_drained_server_is_shown_with_who_did_it(operator: Client, otto: User, store: Redis) -> None:
    answer = operator.post(DRAIN, {"drain": SERVER}, follow=True)

    page = " ".join(answer.content.decode().split())
    assert drains.drains(store)[SERVER].by == "otto"
    assert "127.0.0.1:9 gets no new requests." in page and "Drained by otto, now" in page
    assert "All model servers are drained" in page
    assert f"{SERVER} gets no new requests" in operator.get("/ops/").content.decode()


def test_servers_behind_one_gateway_stand_apart(operator: Client, store: Redis, settings: Settings) -> None:
    settings.VLLM_BASE_URLS = ["http://gateway:4000/one/v1", "http://gateway:4000/two/v1"]
    probes.store([Health("gateway:4000/one", datetime.now(UTC), healthy=False, error="refused")])

    operator.post(DRAIN, {"drain": "gateway:4000/two"})

    assert list(drains.drains(store)) == ["gateway:4000/two"]
    assert "gateway:4000/one does not answer as a model server should: refused" in text_of(operator)


def test_drains_are_recorded_and_can_be_taken_back(operator: Client, otto: User, store: Redis) -> None:
    for button in ("drain", "drain", "undrain", "undrain"):
        operator.post(DRAIN, {button: SERVER})

    recorded = LogEntry.objects.order_by("pk").values_list("user_id", "object_repr", "change_message")
    assert list(recorded) == [
        (otto.pk, SERVER, "Drained: no new requests."),
        (otto.pk, SERVER, "Undrained: new requests again."),
    ]
    assert drains.drains(store) == {}


def test_only_known_servers_can_be_drained(operator: Client, store: Redis) -> None:
    assert operator.post(DRAIN, {"drain": "elsewhere:1"}).status_code == 404
    assert drains.drains(store) == {}


def test_only_operators_drain(client: Client, alice: User, rita: User, store: Redis) -> None:
    for user in (alice, rita):
        client.force_login(user)
        assert client.post(DRAIN, {"drain": SERVER}).status_code == 403

    assert drains.drains(store) == {}


def test_a_strange_page_cannot_drain(otto: User, store: Redis) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(otto)

    assert client.post(DRAIN, {"drain": SERVER}).status_code == 403
    assert client.get(DRAIN).status_code == 405


def test_without_redis_nothing_is_changed_and_that_is_said(operator: Client, no_redis: None) -> None:
    answer = operator.post(DRAIN, {"drain": SERVER}, follow=True)

    assert "Redis does not answer: nothing was changed." in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_a_tier_without_a_server_is_named(operator: Client, store: Redis, settings: Settings) -> None:
    settings.MODEL_TIERS = {"fast": ("small", "http://a:1/v1"), "smart": ("large", "http://b:1/v1")}
    drains.drain(store, "b:1", "otto")

    assert "No server of the tier Smart is in use, by drains: other tiers answer in its place." in text_of(operator)


def test_that_only_a_dead_server_is_left_is_said(operator: Client, store: Redis, settings: Settings) -> None:
    settings.VLLM_BASE_URLS = ["http://a:1/v1", "http://b:1/v1"]
    probes.store([Health("a:1", datetime.now(UTC), healthy=False, error="refused")])
    assert "no question is answered" not in text_of(operator)

    drains.drain(store, "b:1", "otto")

    assert "All model servers are drained or down: no question is answered." in text_of(operator)


# Links


def test_who_may_edit_servers_and_tiers_finds_the_way(operator: Client, otto: User) -> None:
    links = ('href="/admin/conversations/modelserver/"', 'href="/admin/conversations/tier/"')
    assert not any(link in text_of(operator) for link in links)

    User.objects.filter(pk=otto.pk).update(is_staff=True)

    assert all(link in text_of(operator) for link in links)


def test_staff_that_may_not_see_them_do_not(client: Client, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="watch_operations"))
    client.force_login(bob)

    assert "/admin/conversations/" not in text_of(client)
