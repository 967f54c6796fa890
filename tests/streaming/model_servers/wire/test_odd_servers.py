"""Whatever a model server sends, an answer ends: with its text, or with a code that says why not."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from conversations.models.generation.errors import ErrorCode
from streaming.model_servers.vllm.client import ModelServer
from streaming.operations.admin import server_test
from streaming.worker.stage import engine
from tests.harness.odd import COMPLETE, OddServer
from tests.streaming.cache.conftest import Desk

HI = "Hi there."


@pytest.mark.parametrize("name", COMPLETE)
async def test_what_is_odd_and_complete_is_read_with_one_request(desk: Desk, odd: OddServer, name: str) -> None:
    asked = desk.begin(name)

    assert await asked.end() is None
    assert (asked.text, odd.requests[name]) == (HI, 1)


@pytest.mark.parametrize(("name", "text"), [("halves", "Hi 😀 there."), ("nul", "Hi\ufffdthere.")])
async def test_text_that_no_database_holds_becomes_one_that_it_holds(desk: Desk, name: str, text: str) -> None:
    asked = desk.begin(name)

    assert await asked.end() is None
    assert asked.text == text


@pytest.mark.parametrize("name", ["template-thinks", "tags"])
async def test_thinking_is_no_part_of_the_answer(desk: Desk, name: str) -> None:
    asked = desk.begin(name)

    assert await asked.end() is None
    assert (asked.thinking, asked.text) == ("Let me see", HI)


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("filtered", ErrorCode.FILTERED, HI),
        ("filtered-at-once", ErrorCode.FILTERED, ""),
        ("refused", ErrorCode.DECLINED, "I cannot help with that."),
        ("empty", ErrorCode.EMPTY, ""),
        ("invisible", ErrorCode.EMPTY, "\u200b \u2060\n"),
        ("cut-at-once", ErrorCode.NO_ROOM, ""),
        ("tools", ErrorCode.TOOL_CALL, ""),
        ("moved", ErrorCode.REDIRECTED, ""),
        ("moved-nowhere", ErrorCode.REDIRECTED, ""),
    ],
)
async def test_what_is_no_answer_says_why_after_one_request(
    desk: Desk, odd: OddServer, name: str, code: ErrorCode, text: str
) -> None:
    asked = desk.begin(name)

    assert await asked.end() == code
    assert (asked.text, odd.requests[name]) == (text, 1)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("choice-error", ErrorCode.SERVER_ERROR),
        ("event-error", ErrorCode.SERVER_ERROR),
        ("page", ErrorCode.BAD_REPLY),
        ("unreadable", ErrorCode.BAD_REPLY),
        ("nothing", ErrorCode.BAD_REPLY),
        ("error-body", ErrorCode.SERVER_ERROR),
        ("line", ErrorCode.BAD_REPLY),
        ("data-line", ErrorCode.BAD_REPLY),
        ("big-json", ErrorCode.BAD_REPLY),
        ("bomb", ErrorCode.BAD_REPLY),
    ],
)
async def test_what_cannot_be_read_fails(desk: Desk, settings: Settings, name: str, code: ErrorCode) -> None:
    settings.VLLM_EVENT_MAX_BYTES = settings.VLLM_REPLY_MAX_BYTES = 100_000

    assert await desk.begin(name).end() == code


@pytest.mark.parametrize("name", ["flood", "characters"])
async def test_an_answer_that_is_too_long_ends_with_what_there_is_room_for(
    desk: Desk, settings: Settings, odd: OddServer, name: str
) -> None:
    settings.VLLM_ANSWER_MAX_CHARACTERS = 2500
    asked = desk.begin(name)

    assert await asked.end() is None
    assert (len(asked.text), asked.outcome.finish_reason, odd.requests[name]) == (2500, "too_long", 1)


async def test_a_stream_of_signs_of_life_ends(desk: Desk, settings: Settings) -> None:
    settings.VLLM_STREAM_MAX_BYTES = 100_000

    assert await desk.begin("signs").end() == ErrorCode.BAD_REPLY


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that cannot be reached are tried again without a pause."""
    monkeypatch.setattr(engine, "ROUND_DELAYS_S", (0.0, 0.0, 0.0))


@pytest.mark.parametrize("name", ["markless", "markless-unframed"])
async def test_a_server_that_never_says_that_it_is_done_is_believed_the_second_time(
    desk: Desk, odd: OddServer, at_once: None, name: str
) -> None:
    texts = [(await desk.ask(name)).text for _ in range(3)]

    assert texts == [HI] * 3
    assert odd.requests[name] <= 3 + 2  # it broke off once; it does not go on from a text; and then twice more


async def test_a_server_that_forgets_to_say_so_once_is_believed_when_it_says_the_same(
    desk: Desk, odd: OddServer, at_once: None
) -> None:
    await desk.ask("plain")

    assert (await desk.ask("markless")).text == HI
    assert odd.requests["markless"] <= 3


async def test_what_ends_in_the_middle_of_an_event_is_never_believed(desk: Desk, odd: OddServer, at_once: None) -> None:
    assert [await desk.begin("half-an-event").end() for _ in range(3)] == [ErrorCode.NO_SERVER] * 3


async def test_comments_alone_end(desk: Desk, settings: Settings) -> None:
    settings.VLLM_STREAM_MAX_BYTES = 1_000_000

    assert await desk.begin("comments").end() == ErrorCode.BAD_REPLY


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("plain", ""),
        ("cut-at-once", ""),  # a token need not have text
        ("empty", "It does not answer as a model server does: its stream ended without a token."),
        ("unreadable", "It does not answer as a model server does: the reply has no answer in it."),
        ("moved-nowhere", "It answered with the error 302: it redirects to what is no server's address."),
    ],
)
async def test_the_test_of_a_server_takes_nothing_but_a_token_for_one(
    odd: OddServer, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.setattr(server_test, "QUESTION", name)

    found = await server_test.try_server(ModelServer(odd.url))

    assert (found.error, found.first_token_s is None) == (says, bool(says))
