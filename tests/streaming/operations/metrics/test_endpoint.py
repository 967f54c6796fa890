"""/metrics has the right values, in Prometheus' form, for those who may read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from redis import Redis

from conversations.models import Conversation
from conversations.models.generation.generation import Status
from conversations.models.operations.recording import record_ended
from streaming.coordination.redis_clients import command_client
from streaming.operations.pages.overview import current_overview
from streaming.telemetry.heartbeats import publish_web
from tests.streaming.operations.pages.test_overview import SERVER, probed, warmed
from tests.streaming.operations.rows import asked, changed, ended, failed

Sample = tuple[str, tuple[str, ...]]


def scrape(client: Client) -> dict[Sample, float]:
    """Value by (name, values of the labels), once all that has ended is recorded."""
    record_ended(timedelta(0))
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(response.content.decode())
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def value(client: Client, name: str, *labels: str) -> float:
    return scrape(client)[f"throughline_{name}", labels]


# Values


def test_ended_generations_are_counted_by_outcome(client: Client, alice: User) -> None:
    stage = {"0": {"status": "done", "prompt_tokens": 10, "completion_tokens": 101}}
    ended(alice, outcomes=stage)
    ended(alice, status=Status.STOPPED, attempt=3, outcomes=stage)
    failed(alice, "overloaded")

    found = scrape(client)

    assert [found["throughline_generations_total", (s,)] for s in ("done", "stopped", "failed")] == [1, 1, 1]
    assert found["throughline_generation_errors_total", ("overloaded",)] == 1
    assert found["throughline_completion_tokens_total", ()] == 202
    assert found["throughline_prompt_tokens_total", ()] == 20
    assert found["throughline_takeovers_total", ()] == 2


def test_what_runs_and_waits_is_told(client: Client, alice: User) -> None:
    asked(alice)
    asked(alice, status=Status.RUNNING)

    found = scrape(client)

    assert found["throughline_generations_queued", ()] == found["throughline_generations_running", ()] == 1
    assert found["throughline_oldest_queued_age_seconds", ()] < 30


def test_a_question_that_another_clock_accepted_has_waited_for_nothing(client: Client, alice: User) -> None:
    asked(alice, accepted_at=timezone.now() + timedelta(seconds=5))

    assert value(client, "oldest_queued_age_seconds") == 0


def test_histograms_are_cumulative(client: Client, alice: User) -> None:
    for ttft in (0.06, 0.4, 700.0):
        ended(alice, ttft=ttft, writing=1.0)

    found = scrape(client)

    name = "throughline_time_to_first_token_seconds"
    buckets = [found[f"{name}_bucket", (bound,)] for bound in ("0.04065", "0.06067", "1.0", "605.1", "+Inf")]
    assert buckets == [0, 1, 2, 2, 3]
    assert found[f"{name}_count", ()] == 3
    assert found[f"{name}_sum", ()] == pytest.approx(700.46)
    assert found["throughline_generation_duration_seconds_bucket", ("2.227",)] == 2


def test_the_histogram_has_the_percentile_that_the_overview_shows(client: Client, alice: User) -> None:
    for ttft in (0.2, 0.3, 0.4, 0.5, 2.0):
        ended(alice, ttft=ttft)
    found = scrape(client)

    p50 = current_overview().periods[0].first_token.p50

    within = sorted(
        (float(bound), count)
        for (name, (bound, *_)), count in ((k, v) for k, v in found.items() if k[1])
        if name == "throughline_time_to_first_token_seconds_bucket"
    )
    assert p50 and next(count for bound, count in within if bound >= p50 / 1.05) in (3, 4)


def test_model_servers_are_up_or_not(client: Client, db: None) -> None:
    probed()
    assert value(client, "model_server_up", SERVER) == 1
    assert value(client, "model_server_kv_cache_usage_ratio", SERVER) == 0.25

    probed(healthy=False)
    assert value(client, "model_server_up", SERVER) == 0


def test_tiers_are_warm_or_not(client: Client, db: None, store: Redis, settings: Settings) -> None:
    settings.WARM_MODELS = True
    probed()
    assert value(client, "tier_warm", SERVER, "default") == 0

    warmed(store)
    assert value(client, "tier_warm", SERVER, "default") == 1
    assert value(client, "tier_warming_seconds", SERVER, "default") == 0.085


@pytest.fixture
async def web_processes() -> None:
    redis = command_client()
    await publish_web(redis, "host:1", 3, {"too_long": 2})
    await publish_web(redis, "host:2", 4, {"too_long": 1})
    await redis.aclose()


def test_sockets_and_refusals_are_of_all_web_processes(client: Client, db: None, web_processes: None) -> None:
    found = scrape(client)

    assert found["throughline_sockets_open", ()] == 7
    assert found["throughline_refused_commands_total", ("too_long",)] == 3


# Counted once


def test_scraping_again_counts_nothing_twice(client: Client, alice: User) -> None:
    ended(alice, ago=5)
    assert value(client, "generations_total", "done") == 1
    ended(alice, ago=20)  # was stored late

    assert value(client, "generations_total", "done") == 2
    assert value(client, "generations_total", "done") == 2


def test_clocks_that_disagree_make_no_sum_fall(client: Client, alice: User) -> None:
    changed(ended(alice), accepted_at=timezone.now())

    assert value(client, "time_to_first_token_seconds_sum") == value(client, "generation_duration_seconds_sum") == 0


def test_a_purge_does_not_make_counters_fall(client: Client, alice: User) -> None:
    ended(alice)
    scrape(client)
    Conversation.objects.all().delete()

    assert value(client, "generations_total", "done") == 1


def test_a_question_stopped_in_the_queue_counts(client: Client, alice: User) -> None:
    asked(alice).request_stop()

    assert value(client, "generations_total", "stopped") == 1


def test_without_redis_what_the_database_has_is_told(client: Client, alice: User, no_redis: None) -> None:
    asked(alice)
    ended(alice)

    found = scrape(client)

    assert (found["throughline_redis_up", ()], found["throughline_generations_queued", ()]) == (0, 1)
    assert found["throughline_generations_total", ("done",)] == 1
    assert not any(name.endswith(("sockets_opened_total", "model_server_up")) for name, _ in found)


# The guard


def test_without_a_token_only_this_machine_may_read(client: Client, db: None) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200

    refused = client.get("/metrics", REMOTE_ADDR="192.0.2.7")
    assert (refused.status_code, b"METRICS_TOKEN" in refused.content) == (403, True)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_without_a_token_a_proxy_may_not_read(client: Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_with_a_token_its_bearer_may_read_from_anywhere(client: Client, db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = "s3cret-ü"
    given = {"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer s3cret-ü"}

    assert client.get("/metrics", **given).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["", "Bearer wrong", "s3cret", "Basic s3cret"])
def test_with_a_token_nobody_else_may_read(client: Client, settings: Settings, given: str) -> None:
    settings.METRICS_TOKEN = "s3cret"

    refused = client.get("/metrics", headers={"Authorization": given})

    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
