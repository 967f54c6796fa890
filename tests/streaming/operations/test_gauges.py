"""What is read for the history every now and then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from redis import Redis

from conversations.models import Generation, RollUp, Sample
from conversations.models.generation.generation import Status
from conversations.models.operations.history import Grain
from streaming import tasks
from streaming.model_servers import probes
from streaming.model_servers.probes import Health
from streaming.telemetry import gauges

from .rows import asked, ended


def read() -> dict[str, float]:
    sample = Sample.objects.get(grain=Grain.DAY)
    return {name: reading.last for name, reading in sample.readings.items()}


def test_it_reads_what_runs_waits_and_is_open(alice: User, worker: None) -> None:
    asked(alice)
    asked(alice, status=Status.RUNNING)

    gauges.sample()

    assert read() == {"running": 1, "queued": 1, "sockets": 12}


def test_tokens_per_second_are_the_model_servers_own(db: None, store: Redis) -> None:
    begun = datetime.now(UTC)
    for seconds, tokens in ((0, 1000.0), (10, 1500.0)):
        moment = begun + timedelta(seconds=seconds)
        probes.store([Health("one", moment, healthy=True, counters={"generation_tokens": tokens})])

    gauges.sample()

    assert read()["tokens_per_second"] == 50


@pytest.mark.parametrize("later_s", [0.0, -0.5, 0.004])
def test_probes_at_the_same_time_make_no_rate_of_their_own(db: None, later_s: float) -> None:
    for seconds, tokens in ((0.0, 1000.0), (10.0, 1500.0), (10.0 + later_s, 1600.0)):
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        probes.store([Health("one", moment, healthy=True, counters={"generation_tokens": tokens})])

    gauges.sample()

    assert read()["tokens_per_second"] == pytest.approx(50, rel=0.01)


def test_without_redis_what_the_database_knows_is_read(db: None, no_redis: None) -> None:
    gauges.sample()

    assert read() == {"running": 0, "queued": 0}


def test_the_task_records_what_ended(alice: User) -> None:
    ended(alice)

    tasks.record_history()

    assert RollUp.objects.filter(grain=Grain.MINUTE).count() == 1
    assert Sample.objects.count() == 3


def test_what_is_purged_is_recorded_before(alice: User) -> None:
    conversation = ended(alice, ago=0).message.conversation
    type(conversation).objects.update(deleted_at=datetime.now(UTC) - timedelta(days=400))

    tasks.purge_deleted()

    assert not Generation.objects.exists()
    assert RollUp.objects.get(grain=Grain.DAY).stats.answers == 1
