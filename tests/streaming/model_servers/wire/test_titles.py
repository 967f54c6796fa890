"""A title is made from what follows the thinking, however the server tells it."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.model_servers import pool
from streaming.model_servers.vllm.errors import Rejected
from streaming.model_servers.vllm.wire import ChatDelta
from streaming.planning.prompts import clean_title
from streaming.worker.titles import title_from_model
from tests.harness.odd import REPLIES
from tests.streaming.cache.conftest import Desk


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Blue skies", "Blue skies"),
        ("<think>\nhm\n</think>\n\nBlue skies", "Blue skies"),
        ("The user asks.\n</think>\n\nBlue skies", "Blue skies"),
        ("<think>never closed", ""),
        ("<think></think>", ""),
        ('**Title:** "Blue skies."', "Blue skies"),
        ("title: Blue skies", "Blue skies"),
        ("# Blue skies\nand more", "Blue skies"),
        ("Title:\nBlue skies", "Blue skies"),
        ("\u202eBlue\tskies\0", "Blue skies"),
        ("\n \u200b \n", ""),
        ("", ""),
    ],
)
def test_a_title_is_a_line_of_what_can_be_seen(reply: str, title: str) -> None:
    assert clean_title(reply) == title


@pytest.mark.parametrize(
    "name", [name for name in REPLIES if name.startswith(("plain", "json", "gzip", "te", "cr", "mark"))]
)
async def test_a_title_comes_of_odd_replies_too(desk: Desk, name: str) -> None:
    title, outcome = await title_from_model(name, desk.servers)

    assert title == ("" if name.startswith("markless") else "Hi there")
    assert outcome.status in ("done", "failed")


async def test_what_was_cut_is_no_title(desk: Desk) -> None:
    assert (await title_from_model("cut-at-once", desk.servers))[0] == ""


async def test_a_server_that_refuses_unknown_fields_gives_a_title(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def strict(_http: object, _server: object, body: dict[str, Any], _timeout_s: float) -> ChatDelta:
        asked.append(body)
        if "chat_template_kwargs" in body:
            raise Rejected(400, "extra fields not permitted")
        return ChatDelta("Blue skies")

    asked = []
    monkeypatch.setattr(pool, "complete", strict)

    for _ in range(2):
        assert (await title_from_model("plain", desk.servers))[0] == "Blue skies"

    assert ["chat_template_kwargs" in body for body in asked] == [True, False, False]
