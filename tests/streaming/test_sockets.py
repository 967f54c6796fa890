"""The care of open sockets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streaming import sockets
from streaming.protocol import CLOSE_NOT_SIGNED_IN


class Socket:
    def __init__(self, key: str):
        self.scope = {"session": SimpleNamespace(session_key=key)}
        self.user = SimpleNamespace(pk=1, password="hash")
        self.closed_with: int | None = None

    async def close(self, code: int) -> None:
        self.closed_with = code


async def test_a_page_that_opens_while_sessions_are_looked_at_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    care: Any = object.__new__(sockets.Sockets)  # without its tasks
    gone, late = Socket("ended"), Socket("new")
    care._open, care._operators = {gone}, set()

    async def in_database(*_: object) -> sockets.SessionState:
        care._open.add(late)
        return set(), {1: "hash"}

    monkeypatch.setattr(sockets, "in_database", in_database)
    await care._close_signed_out()

    assert gone.closed_with == CLOSE_NOT_SIGNED_IN
    assert late.closed_with is None
