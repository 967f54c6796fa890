"""What is erased for good leaves no text in Redis, nor in the files of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from redis import Redis

from conversations import site_time
from conversations.models import Conversation, Erasure, Message, Part
from conversations.models.chat.message import PartKind, Role
from streaming import tasks
from streaming.coordination import erasure as erasing
from streaming.log.stream_log import key_of
from tests.conversations.talk import begin as ask

SECRET = "zebra-crossing-7391"


@pytest.fixture
def redis_client() -> Iterator[Redis]:
    with Redis.from_url(site.REDIS_URL) as redis:
        yield redis


def keep(redis: Redis, whose: int | str, owner: int) -> str:
    key = f"throughline:kept:{whose}:{'0' * 8}{owner}"
    redis.hset(key, mapping={"answer": b"x", "life": 60, "owner": owner})
    redis.expire(key, 60)
    return key


def files_have(text: str) -> bool:
    path = Path(str(connection.settings_dict["NAME"]))
    return any(text.encode() in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_deleting_the_rows_leaves_what_is_to_be_erased(alice: User) -> None:
    generation = ask(alice, SECRET)
    Conversation.objects.all().purge()

    erasure = Erasure.objects.get()
    assert (erasure.owner_key, erasure.generations) == (alice.pk, [str(generation.pk)])


def test_a_clock_that_is_behind_lets_nobody_erase_too_soon(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_time, "_ahead", timedelta(minutes=-10))
    ask(alice, SECRET)
    Conversation.objects.all().purge()

    assert not Erasure.objects.all().before(site_time.now() - erasing.STOPPED_AFTER)


def test_an_account_that_is_deleted_leaves_it_too(alice: User) -> None:
    ask(alice, SECRET)
    pk = alice.pk
    alice.delete()

    assert Erasure.objects.get().owner_key == pk


@pytest.fixture
def clean_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's transaction lets nobody clean SQLite's, and Redis may be at work on its own."""
    monkeypatch.setattr(erasing, "clean_redis", lambda redis: True)
    monkeypatch.setattr(erasing, "clean_database", lambda: True)


@pytest.mark.usefixtures("clean_files")
def test_logs_and_kept_answers_go_and_nobody_elses(alice: User, bob: User, redis_client: Redis) -> None:
    mine, his = ask(alice, SECRET), ask(bob, "something else")
    for generation in (mine, his):
        redis_client.xadd(key_of(generation.pk), {"r": SECRET}, id="1-1")
    of_alice = [keep(redis_client, alice.pk, alice.pk), keep(redis_client, "all", alice.pk)]
    of_bob = [keep(redis_client, bob.pk, bob.pk), keep(redis_client, "all", bob.pk)]
    alice.delete()
    Erasure.objects.update(erased_at=timezone.now() - timedelta(minutes=1))

    assert erasing.finish() == 1

    assert not redis_client.exists(key_of(mine.pk), *of_alice)
    assert redis_client.exists(key_of(his.pk), *of_bob) == 3
    assert not Erasure.objects.exists()
    redis_client.delete(key_of(his.pk), *of_bob)


@pytest.mark.usefixtures("clean_files")
def test_what_is_kept_goes_in_one_pass_however_many_owners(redis_client: Redis) -> None:
    keys = [keep(redis_client, "all", owner) for owner in range(3000)]

    erasing.clean(set(range(2999)))

    assert redis_client.exists(*keys) == redis_client.exists(keys[-1]) == 1
    assert redis_client.delete(keys[-1])


@pytest.mark.usefixtures("clean_files")
def test_what_an_earlier_version_kept_without_an_owner_is_passed_over(alice: User, redis_client: Redis) -> None:
    mine, old = keep(redis_client, alice.pk, alice.pk), keep(redis_client, "all", 0)
    redis_client.hdel(old, "owner")

    assert erasing.clean({alice.pk})

    assert (redis_client.exists(mine), redis_client.delete(old)) == (0, 1)


def test_cleaning_is_done_once_for_all_that_was_erased_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, cleaned = Event(), Event(), list[set[int]]()

    def clean(cleaner: erasing.Cleaner, owners: set[int]) -> None:
        cleaned.append(owners)
        begun.set()
        assert go_on.wait(60)

    monkeypatch.setattr(erasing.Cleaner, "_clean", clean)
    cleaner = erasing.Cleaner()

    cleaner.request(1)
    assert begun.wait(60)
    for owner in (2, 3, 2, 3):
        cleaner.request(owner)
    go_on.set()
    cleaner.close(60)

    assert cleaned == [{1}, {2, 3}]


def test_it_is_looked_at_again_once_whoever_was_writing_has_stopped(alice: User) -> None:
    ask(alice, SECRET)
    Conversation.objects.all().purge()

    assert erasing.finish() == 0
    assert Erasure.objects.exists()


def test_sessions_that_have_ended_go_every_day(alice: User) -> None:
    for key, days in (("ended", -1), ("living", 1)):
        Session.objects.create(session_key=key, expire_date=timezone.now() + timedelta(days=days))

    tasks.forget_expired()

    assert [session.pk for session in Session.objects.all()] == ["living"]
    assert "streaming.tasks.forget_expired" in {row["task"] for row in site.CELERY_BEAT_SCHEDULE.values()}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's files are cleaned by its vacuum")
@pytest.mark.django_db(transaction=True)
def test_the_files_of_the_database_hold_none_of_it() -> None:
    alice = User.objects.create_user("alice", "alice@example.com", "secret")
    conversation = Conversation.objects.create(owner=alice, title="About it")
    answer = Message.objects.create(conversation=conversation, role=Role.ASSISTANT)
    part = Part.objects.create(message=answer, kind=PartKind.TEXT, text=SECRET)
    for length in (10, 1000, 5000):  # as it grows, over several pages
        Part.objects.filter(pk=part.pk).update(text=f"{SECRET} " * length)
    held = files_have(SECRET)

    alice.delete()

    assert held and erasing.clean_database()
    assert not files_have(SECRET)
