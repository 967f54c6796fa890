"""Where a generation's time went."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Generation, GenerationTiming
from conversations.models.generation.generation import Status
from conversations.models.generation.timeline import PHASES
from streaming.operations.charts.phases import WIDTH, spans_of
from tests.streaming.operations.rows import after, asked, ended, failed


def test_each_phase_lasts_to_the_next(alice: User) -> None:
    spans = spans_of(ended(alice, ttft=0.5, writing=2.0))

    assert [span.phase for span in spans] == list(PHASES)
    assert [span.seconds for span in spans] == pytest.approx([0.1, 0.1, 0.3, 2.0, 0.1])


def test_finishing_includes_that_the_end_is_stored_and_told(alice: User) -> None:
    generation = ended(alice, ttft=0.5, writing=2.0)
    GenerationTiming.objects.create(generation=generation, published_at=after(generation.accepted_at, 3.0))
    generation = Generation.objects.select_related("timing").get(pk=generation.pk)

    assert spans_of(generation)[-1].seconds == pytest.approx(0.5)
    assert generation.duration == timedelta(seconds=3)


def test_the_picture_is_to_scale(alice: User) -> None:
    spans = spans_of(ended(alice, ttft=0.5, writing=2.0))

    assert sum(span.width for span in spans) == pytest.approx(WIDTH, abs=0.1)
    assert spans[3].width == pytest.approx(WIDTH * 2.0 / 2.6, abs=0.1)
    assert [span.x for span in spans[1:]] == pytest.approx([s.x + s.width for s in spans[:-1]], abs=0.1)


def test_one_that_failed_without_a_token_only_waited(alice: User) -> None:
    assert [span.phase for span in spans_of(failed(alice, "overloaded"))] == ["queued", "starting", "waiting"]


def test_one_that_waits_is_queued_until_now(alice: User) -> None:
    (span,) = spans_of(asked(alice, accepted_at=timezone.now() - timedelta(seconds=30)))

    assert span.phase == "queued" and span.seconds == pytest.approx(30, abs=5)


def test_one_that_was_taken_over_goes_on_writing(alice: User) -> None:
    generation = ended(alice, ttft=0.5, writing=8.0, attempt=2)
    generation.requested_at = after(generation.accepted_at, 6)

    assert [span.phase for span in spans_of(generation)] == ["queued", "waiting", "writing", "finishing"]


def test_the_wait_for_a_server_that_failed_is_waiting(alice: User) -> None:
    generation = ended(alice, ttft=120.5, writing=2.0, failovers=1)
    generation.first_requested_at = after(generation.accepted_at, 0.2)
    generation.requested_at = after(generation.accepted_at, 120.2)

    spans = {span.phase: span.seconds for span in spans_of(generation)}

    assert (spans["starting"], spans["waiting"]) == pytest.approx((0.1, 120.3))


def test_a_takeover_before_the_first_token_hides_no_waiting_in_starting(alice: User) -> None:
    generation = ended(alice, ttft=9.0, attempt=2)
    generation.requested_at = generation.first_requested_at = after(generation.accepted_at, 8.5)
    assert [span.phase for span in spans_of(generation)] == ["queued", "waiting", "writing", "finishing"]

    generation.first_requested_at = after(generation.accepted_at, 0.2)  # the first attempt could store it
    assert [span.seconds for span in spans_of(generation)] == pytest.approx([0.1, 0.1, 8.8, 2.0, 0.1])


def test_one_that_writes_does_not_finish_yet(alice: User) -> None:
    generation = ended(alice, status=Status.RUNNING)
    generation.finished_at = None

    assert [span.phase for span in spans_of(generation)] == ["queued", "starting", "waiting", "writing"]
