"""A dispatch sends a wake-up: a click does not wait for a broker that is away, and a sweep makes good what was lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Celery
from django.conf import settings
from django.contrib.auth.models import User
from redis import Redis

from streaming.coordination import answer_queue, dispatch
from streaming.coordination.redis_clients import sync_client
from tests.conversations.talk import answered, begin
from tests.streaming.queue import empty


@pytest.fixture
def store() -> Iterator[Redis]:
    client = sync_client()
    empty(client)
    client.delete(dispatch.WAKE_UPS)
    yield client
    empty(client)
    client.delete(dispatch.WAKE_UPS)


@pytest.mark.django_db
def test_a_broker_that_is_away_is_asked_once(alice: User, store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("somebody waits for the broker")

    app = Celery(set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = "redis+socket:///nowhere/redis.sock"
    monkeypatch.setattr(dispatch, "current_app", app)
    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)

    assert dispatch.dispatch(begin(alice)) is False


@pytest.mark.django_db
def test_a_wake_up_stands_where_the_sweep_counts_them(alice: User, store: Redis) -> None:
    assert dispatch.dispatch(begin(alice)) is True

    assert store.llen(dispatch.WAKE_UPS) == 1


@pytest.mark.django_db
def test_a_sweep_puts_in_what_was_lost_and_says_so_once(alice: User, bob: User, store: Redis) -> None:
    begin(alice)
    begin(bob)
    answered(begin(bob))

    assert dispatch.sweep(store) == 2
    assert dispatch.sweep(store) == 0  # no worker has received them yet

    assert store.llen(dispatch.WAKE_UPS) == 2
    assert store.zcard(f"{answer_queue.PREFIX}turns") == 2


@pytest.mark.django_db
def test_a_sweep_has_nothing_to_say_of_one_at_the_limit(alice: User, store: Redis) -> None:
    limit = settings.RUNNING_ANSWERS_PER_USER
    for generation in [begin(alice) for _ in range(limit)]:
        store.set(f"throughline:lease:{generation.pk}", "worker")
    begin(alice)

    assert dispatch.sweep(store) == 0


@pytest.mark.django_db
def test_what_a_process_left_unfinished_comes_first(alice: User, store: Redis) -> None:
    begin(alice)
    interrupted = begin(alice)
    assert interrupted.claim()

    dispatch.sweep(store)

    assert store.zrange(f"{answer_queue.PREFIX}resuming", 0, -1) == [f"{alice.pk}:{interrupted.pk}".encode()]
