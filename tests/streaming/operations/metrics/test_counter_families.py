"""/metrics: what models, budgets and processes did, whichever of them counted it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from conversations.models import Generation, RollUp
from conversations.models.billing.money import units
from conversations.models.generation.generation import Status
from conversations.models.operations import stats as names
from conversations.models.operations.history import EPOCH, EVER, Key
from conversations.models.operations.measuring import Dimension
from conversations.models.operations.stats import Stats
from streaming.coordination.redis_clients import command_client
from streaming.telemetry import counters
from streaming.telemetry.counters import HUB_LAG, INTER_TOKEN
from streaming.worker.stage.stats import gaps
from tests.conversations.billing.conftest import limit, line, reserve, settle, wrote
from tests.harness.processes import ROOT
from tests.streaming.operations.rows import after, asked, changed, ended

from .test_endpoint import scrape, value


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_new", Counter())


@pytest.fixture
async def told() -> None:
    """What two web processes and a worker told."""
    redis = command_client()
    for _ in range(2):
        counters.observe(HUB_LAG, [0.0004, 0.02])
        counters.add(counters.SOCKETS_OPENED, 2)
        await counters.publish(redis)
    counters.add(counters.LOG_APPENDS, 7)
    counters.add(counters.LOG_BYTES, 700)
    counters.add(f"{counters.CACHE}:joined")
    counters.fell_back(counters.OTHER_TIER)
    counters.observe(INTER_TOKEN, [0.012, 0.018, 0.4])
    await counters.publish(redis)
    await redis.aclose()


# Processes


def test_what_processes_count_is_added_up(client: Client, db: None, told: None) -> None:
    found = scrape(client)

    assert found["throughline_sockets_opened_total", ()] == 4
    assert found["throughline_hub_lag_seconds_bucket", ("0.0004973",)] == 2
    assert found["throughline_hub_lag_seconds_count", ()] == 4
    assert found["throughline_inter_token_latency_seconds_bucket", ("0.01825",)] == 2
    assert found["throughline_inter_token_latency_seconds_sum", ()] == pytest.approx(0.43)
    assert found["throughline_log_appends_total", ()] == 7
    assert found["throughline_log_appended_bytes_total", ()] == 700
    assert found["throughline_response_cache_requests_total", ("joined",)] == 1
    ways = {way: found["throughline_fallbacks_total", (way,)] for way in counters.FALLBACKS}
    assert ways == {"other_tier": 1, "not_streamed": 0, "stage_left_out": 0, "budget": 0}


async def test_what_redis_did_not_take_is_told_the_next_time(redis: AsyncRedis, tmp_path: object) -> None:
    counters.add("a")
    counters.observe(HUB_LAG, [0.5])
    nobody = AsyncRedis(unix_socket_path=f"{tmp_path}/nobody.sock")

    with pytest.raises(RedisError):
        await counters.publish(nobody)
    await nobody.aclose()
    counters.add("a")
    await counters.publish(redis)

    assert await redis.hget(counters.KEY, "a") == b"2"
    assert await redis.hget(counters.KEY, f"{HUB_LAG}:sum") == b"0.5"
    assert counters._new == Counter()


def test_gaps_are_between_neighbours(db: None, alice: User) -> None:
    now = asked(alice).accepted_at

    assert gaps([now, after(now, 0.5), after(now, 0.75)]) == [0.5, 0.25]
    assert gaps([now]) == []


# Rows


def test_the_models_first_token_is_told_apart_from_the_wait_for_a_worker(client: Client, alice: User) -> None:
    ended(alice, ttft=2.0)
    retried = ended(alice, ttft=2.0)
    changed(retried, requested_at=after(retried.accepted_at, 3.0))  # a later attempt's request

    found = scrape(client)

    assert found["throughline_time_to_first_token_seconds_count", ()] == 2
    assert found["throughline_model_time_to_first_token_seconds_count", ()] == 1
    assert found["throughline_model_time_to_first_token_seconds_sum", ()] == pytest.approx(1.8)
    assert found["throughline_queue_wait_seconds_sum", ()] == pytest.approx(0.2)


def test_what_comes_from_the_cache_is_no_models_first_token(client: Client, alice: User) -> None:
    ended(alice, ttft=2.0, outcomes={"0": {"status": "done", "cached": True}})

    assert scrape(client)["throughline_model_time_to_first_token_seconds_count", ()] == 0


def test_tokens_that_were_reused_are_no_models(client: Client, alice: User) -> None:
    stage = {"status": "done", "prompt_tokens": 5, "cached_tokens": 4, "completion_tokens": 50}
    ended(alice, outcomes={"0": stage, "1": {**stage, "cached": True}}, prompt_tokens=10, completion_tokens=100)
    ended(alice, outcomes={"0": {**stage, "coalesced": True}}, prompt_tokens=5, completion_tokens=50)

    found = scrape(client)

    names = ("prompt_tokens", "cached_prompt_tokens", "completion_tokens")
    assert [found[f"throughline_{name}_total", ()] for name in names] == [5, 4, 50]


def test_stops_and_cached_tokens_are_counted(client: Client, alice: User) -> None:
    stopped = ended(alice, status=Status.STOPPED, outcomes={"0": {"cached_tokens": 6}, "1": {"cached_tokens": 2}})
    asked_at = after(stopped.accepted_at, 1.0)
    changed(stopped, stop_requested_at=asked_at, upstream_ended_at=asked_at + timedelta(milliseconds=40))
    asked(alice).request_stop()  # nobody had begun it

    found = scrape(client)

    assert found["throughline_stop_requests_total", ()] == 2
    assert found["throughline_cached_prompt_tokens_total", ()] == 8
    assert found["throughline_time_to_stop_seconds_bucket", ("0.04065",)] == 1


def test_costs_are_told_by_tier(client: Client, db: None) -> None:
    spent = Stats(Counter({names.COST: units(Decimal(3))}))
    RollUp.grow({Key(EVER, EPOCH, Dimension(tier, "a-server")): spent for tier in ("smart", "nano")})

    assert value(client, "cost_total", "EUR", "smart") == value(client, "cost_total", "EUR", "nano") == 3


def test_the_sites_budget_is_told_if_there_is_one(client: Client, alice: User) -> None:
    reserve(alice, line(0))
    assert ("throughline_budget_limit", ("EUR",)) not in scrape(client)
    limit("4", whole_site=True)

    found = scrape(client)

    assert found["throughline_budget_limit", ("EUR",)] == 4
    assert found["throughline_budget_used", ("EUR",)] == pytest.approx(1.0)
    assert found["throughline_budget_used_ratio", ()] == pytest.approx(0.25)


# Names


def families(client: Client) -> Iterator[tuple[str, str, str]]:
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        yield family.name, family.type, family.documentation


def test_names_follow_prometheus_conventions(client: Client, db: None, told: None) -> None:
    found = list(families(client))

    assert all(re.fullmatch(r"throughline_[a-z_]+[a-z]", name) and text.endswith(".") for name, _, text in found)
    assert not [name for name, _, _ in found if re.search("_(ms|milliseconds|minutes|percent|kb|mb)(_|$)", name)]
    assert {kind for _, kind, _ in found} == {"counter", "gauge", "histogram"}
    assert all(name.endswith("_seconds") for name, kind, _ in found if kind == "histogram")


def test_every_metric_is_explained(client: Client, alice: User, told: None) -> None:
    settle(reserve(alice, line(0)) or Generation().pk, {0: wrote(1)})
    limit("4", whole_site=True)
    explained = (ROOT / "docs/operate/metrics.md").read_text()

    assert [name for name, _, _ in families(client) if name.removeprefix("throughline_") not in explained] == []


@pytest.mark.parametrize("file", ["prometheus/alerts.yml", "prometheus/recording.yml", "grafana/throughline.json"])
def test_rules_and_dashboard_use_only_metrics_that_there_are(
    client: Client, alice: User, told: None, file: str
) -> None:
    limit("4", whole_site=True)
    told_names = {sample for sample, _ in scrape(client)} | set(re.findall(r"# TYPE (\S+)", text_of(client)))
    used = set(re.findall(r"\bthroughline_\w+", (ROOT / "deploy" / file).read_text()))

    assert used and used - told_names - SOMETIMES == set()


def text_of(client: Client) -> str:
    return client.get("/metrics").content.decode()


SOMETIMES = {"throughline_cost_total"}  # once something was paid
