"""A rule that is broken for long enough makes one episode, however many watch, and it ends once."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from redis import Redis

from conversations.models import AlertDelivery, AlertEpisode, AlertRule
from conversations.models.generation.generation import Status
from conversations.models.operations.alert_rule import Comparison, Figure
from conversations.models.operations.recording import record_ended
from streaming.operations.alerts import watch
from streaming.operations.alerts.readings import readings
from streaming.tasks import purge_deleted
from tests.streaming.operations.pages.test_overview import SERVER, probed
from tests.streaming.operations.rows import asked, ended, failed
from tests.streaming.operations.rules import look, minute, raised, rule

pytestmark = pytest.mark.django_db


def read(figure: Figure) -> dict[str, float | None]:
    record_ended()
    return dict(readings([figure], timezone.now())[figure])


# An episode's life


def test_it_is_raised_when_the_rule_was_broken_for_long_enough() -> None:
    long_queue = rule(minutes=2)

    look(long_queue, 0, 11)
    look(long_queue, 1, 12)
    assert raised() == []
    look(long_queue, 2, 13)

    assert raised() == ["open"]


def test_a_short_peak_is_no_episode() -> None:
    long_queue = rule(minutes=2)

    look(long_queue, 0, 11)
    look(long_queue, 1, 10)
    look(long_queue, 3, 11)

    assert raised() == []


def test_it_is_over_when_it_was_well_for_a_minute() -> None:
    long_queue = rule()
    look(long_queue, 0, 40)
    look(long_queue, 1, 11)

    look(long_queue, 2, 3)
    assert raised() == ["open"]
    look(long_queue, 2.5, 11)  # it flickers
    look(long_queue, 4, 3)
    look(long_queue, 5, 3)

    assert raised() == ["over"]
    episode = AlertEpisode.objects.get()
    assert (episode.worst, episode.ended_at) == (40, minute(4))
    assert episode.sentence == "Questions that wait: 40."


def test_the_next_time_is_another_episode() -> None:
    long_queue = rule()
    for at, value in enumerate((11, 1, 1, 11)):
        look(long_queue, at, value)

    assert raised() == ["over", "open"]


def test_what_is_not_known_changes_nothing() -> None:
    down = rule(Figure.SERVER, 0)
    look(down, 0, {"a": 1.0})

    for at in range(1, 10):
        look(down, at, {"a": None})

    assert raised() == ["a open"]


def test_each_subject_has_its_own_and_one_that_is_gone_is_well() -> None:
    down = rule(Figure.SERVER, 0)
    look(down, 0, {"a": 1.0, "b": 1.0, "c": 0.0})
    assert raised() == ["a open", "b open"]

    look(down, 1, {"a": 1.0})
    look(down, 2, {"a": 1.0})

    assert raised() == ["a open", "b over"]


def test_below_is_a_comparison_too() -> None:
    few = rule(Figure.WORKERS, 2, comparison=Comparison.BELOW)

    look(few, 0, 2)
    assert raised() == []
    look(few, 1, 1)
    look(few, 2, 0)

    assert AlertEpisode.objects.get().worst == 0


def test_a_rule_that_is_switched_off_ends_its_episode_without_a_word() -> None:
    long_queue = rule(emails="otto@example.com")
    look(long_queue, 0, 11)
    AlertRule.objects.update(enabled=False)

    watch.compare(timezone.now())

    assert raised() == ["over"]
    assert AlertDelivery.objects.filter(kind="recovered").count() == 0


def test_old_ones_are_forgotten_and_open_ones_are_not() -> None:
    down = rule(Figure.SERVER, 0)
    look(down, 0, {"a": 1.0, "b": 1.0, "c": 1.0})
    for subject, days in (("a", 91), ("b", 89)):
        AlertEpisode.objects.filter(subject=subject).update(ended_at=minute(0) - timedelta(days=days))

    purge_deleted()

    assert raised() == ["b over", "c open"]


@pytest.mark.django_db(transaction=True)
def test_many_who_watch_at_once_raise_and_end_it_once() -> None:
    long_queue = rule(emails="otto@example.com", webhook_url="http://127.0.0.1:9/")

    for at, value in ((0, 11), (1, 12), (2, 3), (3, 3)):
        at_once(8, long_queue, at, value)

    assert raised() == ["over"]
    sent = sorted(AlertDelivery.objects.values_list("kind", "way"))
    assert sent == [(kind, way) for kind in ("raised", "recovered") for way in ("email", "webhook")]


def at_once(number: int, of: AlertRule, at: float, value: float) -> None:
    barrier = Barrier(number)

    def one() -> None:
        barrier.wait()
        look(of, at, value)
        connection.close()

    threads = [Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# What rules look at


def test_first_tokens_are_of_the_last_minutes_and_of_who_still_waits(alice: User) -> None:
    assert read(Figure.FIRST_TOKEN) == {"": 0}
    for _ in range(3):
        ended(alice, ago=10, ttft=0.5)
        ended(alice, ago=1000, ttft=100)
    assert read(Figure.FIRST_TOKEN)[""] == pytest.approx(0.5, rel=0.05)

    asked(alice, status=Status.RUNNING, accepted_at=minute(0))

    assert (read(Figure.FIRST_TOKEN)[""] or 0) > 60


def test_the_share_of_errors_wants_a_few_answers(alice: User) -> None:
    failed(alice, "no_server", ago=10)
    assert read(Figure.ERRORS) == {"": 0}

    for _ in range(3):
        ended(alice, ago=10)

    assert read(Figure.ERRORS) == {"": 25}


def test_the_queue_and_its_oldest_are_read(alice: User) -> None:
    asked(alice, accepted_at=minute(0))
    asked(alice)

    assert read(Figure.QUEUE) == {"": 2}
    assert (read(Figure.OLDEST)[""] or 0) >= 7200
    assert read(Figure.STUCK) == {"": 0}
    assert read(Figure.BUDGET) == {"": 0}


def test_servers_and_workers_are_read(worker: None) -> None:
    probed()
    assert (read(Figure.SERVER), read(Figure.WORKERS)) == ({SERVER: 0}, {"": 1})

    probed(healthy=False)
    assert read(Figure.SERVER) == {SERVER: 1}

    probed(ago=60)
    assert read(Figure.SERVER) == {SERVER: None}


def test_without_redis_they_are_unknown(no_redis: None) -> None:
    assert (read(Figure.SERVER), read(Figure.WORKERS)) == ({SERVER: None}, {"": None})


# Who watches


def test_a_web_process_watches_when_no_worker_does(store: Redis) -> None:
    rule(Figure.WORKERS, 1, comparison=Comparison.BELOW)
    watch.note_watch()
    assert not watch.stand_in()
    assert raised() == []

    store.delete(watch.WATCHED)

    assert watch.stand_in()
    assert raised() == ["open"]
    assert not watch.stand_in()


def test_without_redis_web_processes_watch(no_redis: None, alice: User) -> None:
    rule(Figure.QUEUE, 0)
    asked(alice)

    assert watch.stand_in()

    assert raised() == ["open"]


def test_the_rules_that_come_with_the_site_are_valid_and_tell_nobody() -> None:
    rules = list(AlertRule.objects.all())

    assert {Figure(one.figure) for one in rules} == set(Figure)
    for one in rules:
        one.full_clean()
        assert one.enabled and one.ways == []
