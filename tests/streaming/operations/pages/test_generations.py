"""The operators' list of generations, what it calls stuck, and the button that stops one."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from redis import Redis

from conversations.models import Generation, GenerationTiming
from conversations.models.generation.generation import Status
from streaming.coordination import leases
from streaming.coordination.redis_clients import command_client
from streaming.coordination.stop_signal import STOP_CHANNEL
from streaming.live import delivery
from streaming.operations.health.stuck import LATE_S, RULE
from streaming.operations.pages.generations import PAGE
from tests.streaming.operations.rows import CANARY, asked, ended, failed

from .test_overview import text_of

LIST = "/ops/generations/"


def ago(seconds: float) -> object:
    return timezone.now() - timedelta(seconds=seconds)


def running(owner: User, silent: float = 0, **fields: object) -> Generation:
    moments = {"accepted_at": ago(silent + 2), "claimed_at": ago(silent + 1), "first_token_at": ago(silent)}
    return asked(owner, **({"status": Status.RUNNING, "attempt": 1, "last_token_at": ago(silent), **moments} | fields))


def hold(store: Redis, generation: Generation) -> None:
    store.set(leases.key_of(generation.pk), "host:1")


def models_shown(client: Client, query: str) -> set[str]:
    page = text_of(client, f"{LIST}?{query}")
    return {name for name in ("first-one", "second-one") if name in page}


def test_no_text_of_users_is_on_it(operator: Client, alice: User) -> None:
    asked(alice)
    running(alice)
    failed(alice, "refused")

    assert CANARY not in text_of(operator, LIST)


def test_the_three_first_moments_are_told_apart(operator: Client, alice: User) -> None:
    GenerationTiming.objects.create(generation=ended(alice, ttft=0.5), first_paint_ms=777, viewers=3)

    page = text_of(operator, LIST)

    for cell in ("0.300 s</td>", "0.500 s</td>", "0.777 s</td>", '<td class="number">3</td>'):
        assert cell in page


def test_one_without_a_clock_is_shown(operator: Client, alice: User) -> None:
    ended(alice, model="first-one")

    assert models_shown(operator, "") == {"first-one"}


@pytest.mark.parametrize(
    "query", ["state=done", "owner=ALI", "server=one:8000", "period=15m", "state=nonsense&owner=alice&page=x"]
)
def test_it_can_be_narrowed(operator: Client, alice: User, bob: User, query: str) -> None:
    ended(alice, model="first-one", server="one:8000")
    failed(bob, "internal", model="second-one", server="two:8000", ago=7200)

    assert models_shown(operator, query) == {"first-one"}


@pytest.mark.parametrize(
    ("query", "is_live"),
    [
        ("", True),
        ("state=failed", True),
        ("owner=alice", False),
        ("server=one", False),
        ("owner=alice&period=7d", True),
        ("owner=alice&state=unfinished", True),
        ("server=one&stuck=on", True),
        ("owner=alice&period=nonsense", False),
    ],
)
def test_a_list_that_looks_through_all_answers_does_not_do_so_every_two_seconds(
    operator: Client, query: str, is_live: bool
) -> None:
    page = text_of(operator, f"{LIST}?{query}")

    assert ("data-live-page" in page) is is_live
    assert ("does not update:" in page) is not is_live


@pytest.mark.parametrize("name", ["pk", "message_id", "client_id"])
def test_one_is_found_by_each_id_that_people_quote(operator: Client, alice: User, name: str) -> None:
    quoted = getattr(ended(alice, model="first-one"), name)
    ended(alice, model="second-one")

    for given in (f"id={quoted}", f"id=%20{str(quoted).upper()}", f"id={quoted}-0-1-2"):
        assert models_shown(operator, given) == {"first-one"}


@pytest.mark.parametrize("given", ["nonsense", "1", f"{UUID(int=1)}0", f"{UUID(int=1)}-0"])
def test_what_is_no_id_is_said_at_the_field(operator: Client, alice: User, given: str) -> None:
    ended(alice, model="first-one")

    assert models_shown(operator, f"id={given}") == {"first-one"}
    assert "An id has 32 digits" in text_of(operator, f"{LIST}?id={given}")


def test_an_id_that_nobody_has_finds_nothing(operator: Client, alice: User) -> None:
    ended(alice, model="first-one")

    assert models_shown(operator, f"id={UUID(int=1)}") == set()


def test_it_has_pages(operator: Client, alice: User) -> None:
    ended(alice, model="first-one", ago=9000)
    for _ in range(PAGE):
        ended(alice)

    assert models_shown(operator, "owner=alice") == set()
    assert "?owner=alice&amp;page=2" in text_of(operator, f"{LIST}?owner=alice")
    assert models_shown(operator, "owner=alice&page=2") == {"first-one"}


async def watch(counts: dict[str, dict[UUID, int]]) -> None:
    """What web processes tell."""
    redis = command_client()
    for process, watched in counts.items():
        await delivery.publish_viewers(redis, process, watched)
    await redis.aclose()


def test_it_says_who_has_one_and_how_many_watch(operator: Client, alice: User, store: Redis) -> None:
    generation = running(alice)
    hold(store, generation)
    asyncio.run(watch({"web:1": {generation.pk: 2}, "web:2": {generation.pk: 1}}))

    page = text_of(operator, LIST)

    assert "<td>host:1</td>" in page and '<td class="number">3</td>' in page


def test_a_web_process_that_is_gone_leaves_nothing_behind(alice: User, store: Redis) -> None:
    generation = running(alice)
    asyncio.run(watch({"web:1": {generation.pk: 2}}))
    store.delete(delivery.viewers_key_of("web:1"))  # as its expiry does
    store.zadd(delivery.VIEWERS_KEY, {"web:1": timezone.now().timestamp() - 60})

    asyncio.run(watch({"web:2": {generation.pk: 1}}))

    assert store.zrange(delivery.VIEWERS_KEY, 0, -1) == [b"web:2"]
    assert delivery.viewers_now(store) == {generation.pk: 1}


def test_a_healthy_one_is_not_stuck(operator: Client, alice: User, store: Redis, worker: None) -> None:
    hold(store, running(alice, silent=5))
    asked(alice)
    ended(alice)

    assert "stuck</span>" not in text_of(operator, LIST)


@pytest.mark.parametrize(
    ("silent", "held", "stopping", "why"),
    [
        (9, False, None, "no process has it"),
        (LATE_S + 5, True, None, "no token 2"),
        (1, True, 20, "does not stop for"),
    ],
)
def test_what_is_stuck_is_said(
    operator: Client, alice: User, store: Redis, silent: float, held: bool, stopping: float | None, why: str
) -> None:
    outcomes = {"0": {"status": "running", "due_s": 2}}  # when it began to be silent
    generation = running(
        alice, silent, model="first-one", outcomes=outcomes, stop_requested_at=stopping and ago(stopping)
    )
    if held:
        hold(store, generation)

    page = text_of(operator, f"{LIST}?stuck=on")

    assert "stuck</span>" in page and why in page and RULE in page
    assert models_shown(operator, "stuck=on") == {"first-one"}


def test_one_that_waits_is_stuck_only_if_somebody_could_take_it(operator: Client, alice: User, worker: None) -> None:
    asked(alice, accepted_at=ago(20))

    assert "queued for 2" in text_of(operator, LIST)


def test_without_a_worker_it_only_waits(operator: Client, alice: User) -> None:
    asked(alice, accepted_at=ago(20))

    assert "stuck</span>" not in text_of(operator, LIST)


def test_it_is_readable_without_redis(operator: Client, alice: User, no_redis: None) -> None:
    running(alice, silent=20, model="first-one")

    page = text_of(operator, LIST)

    assert "first-one" in page and "stuck</span>" not in page


def test_a_stop_is_asked_for_and_remembered(
    operator: Client,
    otto: User,
    alice: User,
    store: Redis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    generation = running(alice)
    with store.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(STOP_CHANNEL)
        heard.get_message(timeout=30)
        with django_capture_on_commit_callbacks(execute=True):
            response = operator.post(f"{LIST}{generation.pk}/stop/", {"back": f"{LIST}?owner=alice"})
        message = heard.get_message(timeout=30)

    generation.refresh_from_db()
    assert response.headers["Location"] == f"{LIST}?owner=alice"
    assert message and message["data"] == str(generation.pk).encode()
    assert generation.stopped_by == otto and generation.stop_requested_at
    assert LogEntry.objects.get().object_id == str(generation.pk)
    assert "Stopped by the operator otto" in text_of(operator, f"{LIST}{generation.pk}/")


def test_a_second_stop_changes_nothing(operator: Client, alice: User) -> None:
    generation = running(alice)
    generation.request_stop()

    response = operator.post(f"{LIST}{generation.pk}/stop/", {"back": "https://elsewhere.example/"})

    generation.refresh_from_db()
    assert response.headers["Location"] == f"{LIST}{generation.pk}/"
    assert generation.stopped_by is None and not LogEntry.objects.exists()


def test_one_that_is_queued_ends_at_once(operator: Client, otto: User, alice: User, no_redis: None) -> None:
    generation = asked(alice)

    operator.post(f"{LIST}{generation.pk}/stop/")

    generation.refresh_from_db()
    assert (generation.status, generation.stopped_by) == (Status.STOPPED, otto)


def test_only_operators_stop(client: Client, alice: User, bob: User) -> None:
    generation = running(alice)
    client.force_login(bob)

    assert client.post(f"{LIST}{generation.pk}/stop/").status_code == 403
    generation.refresh_from_db()
    assert generation.stop_requested_at is None


def test_a_stop_without_the_sites_form_is_refused(otto: User, alice: User) -> None:
    generation = running(alice)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(otto)

    assert browser.post(f"{LIST}{generation.pk}/stop/").status_code == 403
