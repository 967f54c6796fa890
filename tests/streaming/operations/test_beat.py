"""Beat sends no more while nobody takes what it has sent, and lives all the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery.beat import PersistentScheduler, SchedulingError
from django.conf import settings
from redis import Redis

from streaming.tasks import settle_ended
from streaming.telemetry import beat, heartbeats
from streaming.telemetry.beat import MOST_WAITING, SENT, TASKS, Scheduler
from streaming.telemetry.heartbeats import BeatState


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(PersistentScheduler, "apply_async", lambda _, entry, **kwargs: found.append(entry.task))
    beat.beat.cache_clear()
    return found


def test_tasks_are_sent_while_somebody_takes_them(store: Redis, sent: list[Any]) -> None:
    Scheduler.apply_entry(Scheduler.__new__(Scheduler), SimpleNamespace(task=SENT))

    assert sent == [SENT]


def test_what_cannot_be_sent_is_a_line(
    store: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SchedulingError("Redis is away")

    monkeypatch.setattr(PersistentScheduler, "apply_async", fail)
    Scheduler.apply_entry(Scheduler.__new__(Scheduler), SimpleNamespace(task=SENT))

    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_a_pile_of_tasks_does_not_grow_and_beat_is_alive(store: Redis, sent: list[Any]) -> None:
    store.rpush(TASKS, *range(MOST_WAITING))

    Scheduler.apply_entry(Scheduler.__new__(Scheduler), SimpleNamespace(task=SENT))

    assert sent == []
    assert len(heartbeats.living(store, BeatState)) == 1


def test_the_pile_is_counted_where_tasks_are_sent_to(store: Redis) -> None:
    settle_ended.delay()

    assert store.llen(TASKS) == 1


def test_no_task_expires_by_a_clock() -> None:
    assert not [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if "options" in entry]
