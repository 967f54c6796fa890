"""Several processes write to one timing, each its own fields."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Generation, GenerationTiming
from conversations.models.chat.message import ANSWER
from conversations.models.generation.generation import Status
from conversations.models.generation.timing import Delivery, add_deliveries, store_first_paint, text_bytes
from tests.conversations.talk import begin

NOW = timezone.now()


@pytest.fixture
def generation(alice: User) -> Generation:
    generation = begin(alice)
    generation.claim()
    return generation


def timing_of(generation: Generation) -> GenerationTiming:
    return GenerationTiming.objects.get(pk=generation.pk)


def shown(generation_id: UUID, **fields: object) -> None:
    add_deliveries(Generation.objects.all(), {generation_id: Delivery(**fields)})  # type: ignore[arg-type]


def test_the_worker_writes_with_the_end(generation: Generation) -> None:
    assert generation.finish(Status.DONE, {ANSWER: "x"}, {"first_byte_at": NOW, "gap_p50_ms": 1.5})

    assert (timing_of(generation).first_byte_at, timing_of(generation).gap_p50_ms) == (NOW, 1.5)


def test_the_worker_adds_when_the_end_was_stored_and_told(generation: Generation) -> None:
    generation.finish(Status.DONE, None, {"redis_bytes": 7})
    GenerationTiming.record_end(generation.pk, NOW, NOW + timedelta(seconds=1))

    timing = timing_of(generation)
    assert (timing.redis_bytes, timing.committed_at, timing.published_at) == (7, NOW, NOW + timedelta(seconds=1))


def test_an_attempt_that_lost_it_writes_nothing(generation: Generation) -> None:
    late = Generation.objects.get(pk=generation.pk)
    Generation.objects.get(pk=generation.pk).claim()

    assert not late.finish(Status.DONE, None, {"redis_bytes": 7})

    assert not GenerationTiming.objects.exists()


def test_whoever_comes_first_the_others_add_to_it(generation: Generation) -> None:
    store_first_paint(Generation.objects.all(), generation.pk, 321)
    shown(generation.pk, first_frame_at=NOW, viewers=1, bytes=100)
    generation.finish(Status.DONE, None, {"redis_bytes": 7})

    timing = timing_of(generation)
    assert (timing.first_paint_ms, timing.first_frame_at, timing.socket_bytes, timing.redis_bytes) == (321, NOW, 100, 7)


def test_what_several_web_processes_showed_is_added_up(generation: Generation) -> None:
    shown(generation.pk, viewers=1, bytes=100)
    shown(generation.pk, received_at=NOW, first_frame_at=NOW, viewers=2, bytes=50)
    shown(generation.pk, first_frame_at=NOW + timedelta(seconds=3), viewers=1, bytes=1)

    timing = timing_of(generation)
    assert (timing.received_at, timing.first_frame_at, timing.viewers, timing.socket_bytes) == (NOW, NOW, 4, 151)


def test_a_generation_that_is_gone_spoils_nothing(generation: Generation) -> None:
    add_deliveries(Generation.objects.all(), {uuid4(): Delivery(bytes=1), generation.pk: Delivery(bytes=2)})

    assert [timing.socket_bytes for timing in GenerationTiming.objects.all()] == [2]


def test_the_first_paint_is_told_once(generation: Generation) -> None:
    assert store_first_paint(Generation.objects.all(), generation.pk, 321)
    assert not store_first_paint(Generation.objects.all(), generation.pk, 5)

    assert timing_of(generation).first_paint_ms == 321


def test_a_paint_of_what_one_may_not_see_is_not_noted(generation: Generation) -> None:
    assert not store_first_paint(Generation.objects.none(), generation.pk, 321)

    assert not GenerationTiming.objects.exists()


def test_an_operator_who_stops_it_is_remembered(generation: Generation, bob: User) -> None:
    assert generation.request_stop(bob)

    generation.refresh_from_db()
    assert (generation.stopped_by, generation.stop_requested_at is None) == (bob, False)


def test_who_stops_what_its_owner_has_stopped_changes_nothing(generation: Generation, bob: User) -> None:
    generation.request_stop()

    assert generation.request_stop(bob)

    generation.refresh_from_db()
    assert generation.stopped_by is None


def test_bytes_are_counted_in_utf_8() -> None:
    assert text_bytes({ANSWER: "aé😀"}) == 7
