"""Exports: all that is one's own, written while it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation
from conversations.pages.export import PIECE, as_json, as_markdown, next_piece
from tests.conversations.talk import answer_of, answered, begin, click, talk


def exported(user: User) -> list[dict[str, Any]]:
    return json.loads("".join(as_json(Conversation.objects.visible_to(user))))


def test_json_has_the_whole_tree_with_figures(alice: User, conversation: Conversation) -> None:
    answered(conversation.regenerate(answer_of(conversation).pk, click()), "Ånother")

    (told,) = exported(alice)

    question, *answers = told["messages"]
    assert [answer["parent"] for answer in answers] == [question["id"]] * 2
    assert answers[1]["parts"] == [{"stage": 0, "kind": "text", "text": "Ånother"}]
    assert answers[1]["generations"][0]["model"] == "a-model"
    assert set(answers[1]["generations"][0]["moments"]) == {"accepted", "claimed", "finished"}


def test_json_has_every_text_as_it_was_written(alice: User) -> None:
    written = "a\u2028b\u2029c\u0085d\x0be\x1cf\r\ng \u202eעברית\u202c 👩\u200d💻 =cmd|' /C calc'!A0"
    talk(alice, written, written, title="T\u2028t")

    (told,) = exported(alice)

    assert [part["text"] for message in told["messages"] for part in message["parts"]] == [written] * 2


def test_markdown_has_the_shown_path(conversation: Conversation) -> None:
    answered(conversation.regenerate(answer_of(conversation).pk, click()), "Another")

    text = "".join(as_markdown([conversation]))

    assert text.startswith("# New chat\n\n## Question, ")
    assert "Another" in text and "Rayleigh" not in text


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_valid_for_any_number(alice: User, count: int) -> None:
    for _ in range(count):
        talk(alice)

    assert len(exported(alice)) == count


def test_what_is_unfinished_is_exported_as_it_is(alice: User) -> None:
    begin(alice)

    (told,) = exported(alice)

    assert told["messages"][1]["parts"] == []
    assert told["messages"][1]["generations"][0]["status"] == "queued"


@pytest.mark.usefixtures("awaiting")
@pytest.mark.parametrize(("kind", "ending"), [("json", "json"), ("markdown", "md")])
async def test_a_download_holds_ones_own_and_no_deleted_ones(kind: str, ending: str) -> None:
    client = await two_people()

    response = await client.get(f"/settings/export/{kind}/")

    text = await body_of(response)
    assert response.headers["Content-Disposition"] == f'attachment; filename="throughline.{ending}"'
    assert "no-store" in response.headers["Cache-Control"]
    assert "Alice asks" in text and "Bob asks" not in text and "Deleted" not in text


@pytest.mark.usefixtures("awaiting")
async def test_a_download_is_sent_conversation_by_conversation() -> None:
    client = await two_people()

    response = await client.get("/settings/export/json/")

    assert response.is_async  # a plain iterator would be read to its end before the first byte
    await body_of(response)


async def two_people() -> AsyncClient:
    """Alice's browser; she has a conversation and a deleted one, Bob has one."""
    alice, bob = [await User.objects.acreate(username=name) for name in ("alice", "bob")]
    await Conversation.objects.acreate(owner=alice, title="Alice asks")
    await Conversation.objects.acreate(owner=alice, title="Deleted", deleted_at="2026-01-01T00:00Z")
    await Conversation.objects.acreate(owner=bob, title="Bob asks")
    client = AsyncClient()
    await client.aforce_login(alice)
    return client


async def body_of(response: HttpResponseBase) -> str:
    assert isinstance(response, StreamingHttpResponse)
    return b"".join([piece async for piece in response]).decode()


def test_a_long_conversation_is_read_only_as_far_as_it_is_taken(alice: User, conversation: Conversation) -> None:
    for _ in range(40):
        answered(conversation.ask("More?", click()), "x" * 20_000)

    with CaptureQueriesContext(connection) as read:
        piece = next_piece(parts := as_json([conversation]))

    assert len(piece) < 2 * PIECE
    assert sum('FROM "conversations_part"' in query["sql"] for query in read.captured_queries) == 1
    assert len(json.loads(piece + "".join(parts))[0]["messages"]) == 82
