"""A generation's life: one attempt at a time may write, and it ends once."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations.models import Generation
from conversations.models.chat.message import ANSWER, PartKey, PartKind
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.generation import Status
from conversations.models.generation.partial import Partial, Verdict, save_partials
from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from conversations.models.generation.timeline import moments
from streaming.api.schemas import GenerationView
from tests.conversations.talk import answered, begin


@pytest.fixture
def queued(alice: User) -> Generation:
    return begin(alice)


def seen_by_another(generation: Generation) -> Generation:
    """The same row, as another process read it."""
    return Generation.objects.get(pk=generation.pk)


def save(generation: Generation, texts: dict[PartKey, str] | None, **figures: object) -> Verdict:
    return save_partials([Partial(generation, texts, figures)])[generation.pk]


def test_a_claim_takes_the_next_attempt(queued: Generation) -> None:
    assert queued.claim()

    stored = seen_by_another(queued)
    assert (stored.status, stored.attempt) == (Status.RUNNING, 1)
    assert stored.claimed_at is not None


def test_of_two_processes_that_saw_the_same_attempt_one_gets_the_next(queued: Generation) -> None:
    other = seen_by_another(queued)

    assert queued.claim()
    assert not other.claim()


def test_the_moment_of_the_first_claim_stays(queued: Generation) -> None:
    queued.claim()
    first = seen_by_another(queued)

    seen_by_another(queued).claim()

    assert seen_by_another(queued).attempt == 2
    assert seen_by_another(queued).claimed_at == first.claimed_at


def test_who_came_too_late_cannot_write_as_the_one_who_did_not(queued: Generation) -> None:
    late = seen_by_another(queued)
    queued.claim()

    late.claim()

    assert save(late, {ANSWER: "late"}) is Verdict.LOST
    assert not late.finish(Status.FAILED, None)
    assert not late.claim()


def test_an_earlier_attempt_can_no_longer_write(queued: Generation) -> None:
    queued.claim()
    later = seen_by_another(queued)
    later.claim()

    assert save(queued, {ANSWER: "old"}) is Verdict.LOST
    assert not queued.store(model="old")
    assert not queued.finish(Status.DONE, {ANSWER: "old"})
    assert save(later, {ANSWER: "new"}) is Verdict.GO_ON
    assert later.message.text == "new"


def test_it_ends_once(queued: Generation) -> None:
    answered(queued, "The end.")

    assert not queued.finish(Status.FAILED, {ANSWER: "Another end."})
    assert not seen_by_another(queued).claim()
    assert (seen_by_another(queued).status, queued.message.text) == (Status.DONE, "The end.")


def test_the_text_so_far_is_saved_and_parts_that_went_are_removed(queued: Generation) -> None:
    queued.claim()
    thinking = PartKey(0, PartKind.THINKING)
    save(queued, {thinking: "Hm", ANSWER: "A"}, completion_tokens=2)
    save(queued, {ANSWER: "Ab"}, completion_tokens=3)

    assert queued.message.texts() == {ANSWER: "Ab"}
    assert seen_by_another(queued).completion_tokens == 3


def test_many_answers_are_saved_as_one(
    alice: User, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    theirs = [begin(owner) for owner in (alice, bob) for _ in range(5)]
    for generation in theirs:
        generation.claim()
    theirs[0].request_stop()
    theirs[1].finish(Status.FAILED, {ANSWER: "ended"})

    with django_assert_max_num_queries(5):  # with the transaction's beginning and end
        verdicts = save_partials([Partial(g, {ANSWER: f"answer {n}"}, {}) for n, g in enumerate(theirs)])

    assert list(verdicts.values()) == [Verdict.STOP, Verdict.LOST, *8 * [Verdict.GO_ON]]
    assert [g.message.text for g in theirs] == ["answer 0", "ended", *(f"answer {n}" for n in range(2, 10))]


def test_a_save_without_texts_keeps_what_was_saved(queued: Generation) -> None:
    queued.claim()
    save(queued, {ANSWER: "A"})

    assert save(queued, None, model="tiny") is Verdict.GO_ON
    assert queued.message.texts() == {ANSWER: "A"}
    assert seen_by_another(queued).model == "tiny"


def test_an_end_without_texts_keeps_what_was_saved(queued: Generation) -> None:
    queued.claim()
    save(queued, {ANSWER: "A"})

    queued.finish(Status.FAILED, None)

    assert queued.message.texts() == {ANSWER: "A"}


def test_a_stop_reaches_the_attempt_that_runs(queued: Generation) -> None:
    queued.claim()

    assert seen_by_another(queued).request_stop()
    assert save(queued, {ANSWER: "A"}) is Verdict.STOP


def test_of_two_stops_the_first_ones_moment_stays(queued: Generation) -> None:
    queued.claim()
    queued.request_stop()
    first = seen_by_another(queued).stop_requested_at

    assert queued.request_stop()
    assert seen_by_another(queued).stop_requested_at == first


def test_a_stop_ends_at_once_what_nobody_has_begun(queued: Generation) -> None:
    other = seen_by_another(queued)

    queued.request_stop()

    assert seen_by_another(queued).status == Status.STOPPED
    assert not other.claim()


def test_a_stop_after_the_end_changes_nothing(queued: Generation) -> None:
    answered(queued)

    assert not seen_by_another(queued).request_stop()
    assert seen_by_another(queued).stop_requested_at is None


def test_a_message_has_one_unfinished_generation_at_most(queued: Generation) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.create(message=queued.message)


def test_its_moments_are_told_in_order(queued: Generation) -> None:
    answered(queued)

    names = [name for name, _ in moments(seen_by_another(queued))]

    assert names == ["accepted", "claimed", "finished"]


def test_a_stop_before_the_first_token_is_told_before_it(queued: Generation) -> None:
    queued.claim()
    queued.request_stop()
    queued.store(first_token_at=timezone.now())

    names = [name for name, _ in moments(seen_by_another(queued))]

    assert names == ["accepted", "claimed", "stop_requested", "first_token"]


@pytest.mark.parametrize("code", ErrorCode.values)
def test_every_error_has_a_sentence_that_says_what_to_do(code: str) -> None:
    sentence = Generation(error_code=code).error_sentence

    assert sentence.endswith(".")
    assert any(word in sentence.lower() for word in ("retry", "continue", "start a new one", "tell your administrator"))


def test_a_code_of_another_version_has_a_sentence_too() -> None:
    assert Generation(error_code="of_a_later_version").error_sentence == ErrorCode.INTERNAL.label


def test_what_did_not_fail_has_no_sentence() -> None:
    assert Generation().error_sentence == ""


@pytest.mark.parametrize(("cached", "said"), [([False], "no"), ([True], "yes"), ([True, False], "partly"), ([], "no")])
def test_programs_and_pages_learn_what_came_from_the_cache(alice: User, cached: list[bool], said: str) -> None:
    outcomes = {number: StageResult(StageStatus.DONE, cached=was) for number, was in enumerate(cached)}
    generation = answered(begin(alice), outcomes=results_as_json(outcomes))

    assert GenerationView.of(generation, generation.message).cached == said
    assert bool(generation.from_cache) == (said != "no")
