"""An answer that ended before its time can be continued; one that failed can be retried; no text is lost by it."""

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation
from conversations.models.chat.asking import NotContinuable, NotRetryable
from conversations.models.chat.message import PartKind
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan, PlannedStage, StageResult, StageStatus, results_as_json
from tests.conversations.talk import QUESTION, REPLY, answer_of, answered, begin, click, failed, shown


def test_a_stopped_answer_goes_on_from_its_text(alice: User) -> None:
    stopped = answered(begin(alice), "Because", Status.STOPPED)
    conversation = stopped.message.conversation

    going_on = conversation.continue_answer(stopped.message_id, click())

    assert (going_on.message_id, going_on.continues) == (stopped.message_id, True)
    assert shown(conversation) == [QUESTION, "Because"]


def test_an_answer_that_was_cut_by_the_limit_goes_on(alice: User) -> None:
    cut = answered(begin(alice), "Because", finish_reason="length")

    assert cut.message.conversation.continue_answer(cut.message_id, click()).continues


def test_a_stop_in_the_last_stage_is_continued_there_although_a_longer_draft_is_shown(alice: User) -> None:
    plan = Plan((PlannedStage(0, "quick", "Draft"), PlannedStage(1, "synthesis", "Synthesis", waits=True)))
    ended = {0: StageResult(StageStatus.DONE), 1: StageResult(StageStatus.STOPPED)}
    stopped = answered(begin(alice), "A draft", Status.STOPPED, plan=plan.as_json(), outcomes=results_as_json(ended))

    going_on = stopped.message.conversation.continue_answer(stopped.message_id, click())

    assert list(going_on.stage_results) == [0]


def test_what_is_kept_of_an_earlier_stage_counts_and_lasts_nothing_again(alice: User) -> None:
    plan = Plan((PlannedStage(0, "quick", "Draft"), PlannedStage(1, "synthesis", "Synthesis", waits=True)))
    figures = {"prompt_tokens": 9, "cached_tokens": 8, "completion_tokens": 7, "first_token_s": 0.5, "ended_s": 1.0}
    draft = StageResult(StageStatus.DONE, "a-model", server_ms={"queued": 3.0}, probability=0.9, **figures)
    ended = results_as_json({0: draft, 1: StageResult(StageStatus.STOPPED)})
    stopped = answered(begin(alice), "A draft", Status.STOPPED, plan=plan.as_json(), outcomes=ended)

    going_on = stopped.message.conversation.continue_answer(stopped.message_id, click())

    assert going_on.stage_results == {0: StageResult(StageStatus.DONE, "a-model", probability=0.9)}


def test_a_complete_answer_cannot_be_continued(conversation: Conversation) -> None:
    with pytest.raises(NotContinuable):
        conversation.continue_answer(answer_of(conversation).pk, click())


def test_an_answer_without_text_cannot_be_continued(alice: User) -> None:
    stopped = answered(begin(alice), "", Status.STOPPED)

    with pytest.raises(NotContinuable):
        stopped.message.conversation.continue_answer(stopped.message_id, click())


def test_a_failed_answer_without_text_is_retried_in_its_place(alice: User) -> None:
    broken = failed(begin(alice))
    conversation = broken.message.conversation

    retried = conversation.retry(broken.message_id, click())

    assert (retried.message_id, retried.continues) == (broken.message_id, False)
    assert shown(conversation) == [QUESTION, ""]


@pytest.mark.parametrize("kind", PartKind)
def test_what_a_failed_answer_has_shown_stays_as_an_earlier_version(alice: User, kind: PartKind) -> None:
    broken = failed(begin(alice))
    broken.message.parts.update_or_create(kind=kind, defaults={"text": "Beca"})
    conversation = broken.message.conversation

    retried = conversation.retry(broken.message_id, click())

    assert (retried.status, retried.continues) == (Status.QUEUED, False)
    assert conversation.path()[-1].siblings == [broken.message_id, retried.message_id]
    assert shown(conversation) == [QUESTION, ""]
    assert broken.message.parts.get(kind=kind).text == "Beca"


def test_retrying_an_answer_that_did_not_fail_keeps_its_text(conversation: Conversation) -> None:
    with pytest.raises(NotRetryable):
        conversation.retry(answer_of(conversation).pk, click())

    assert shown(conversation) == [QUESTION, REPLY]


def test_a_retry_that_is_sent_twice_is_one_generation(alice: User) -> None:
    broken = failed(begin(alice))
    conversation, request = broken.message.conversation, click()

    first, second = (conversation.retry(broken.message_id, request) for _ in range(2))

    assert first == second
