"""The care of open sockets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from streaming import sockets
from streaming.live import window
from streaming.live.window import Window
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


class Reader:
    """A socket, as far as its window goes."""

    def __init__(self) -> None:
        self.window = Window()


def test_pages_that_read_nothing_are_counted(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    care: Any = object.__new__(sockets.Sockets)
    full, silent, idle = Reader(), Reader(), Reader()
    care._open = {full, silent, idle}

    full.window.sent(settings.VIEWER_WINDOW_BYTES + 1)
    silent.window.sent(1)
    assert care.waiting == 1
    monkeypatch.setattr(window, "LATE_S", 0.0)
    assert care.waiting == 2

    for reader in (full, silent):
        reader.window.acknowledged(1)
    assert care.waiting == 0
