"""The care of open sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from streaming.chat import open_sockets, page_socket
from streaming.chat.page_socket import Window
from streaming.protocol import CLOSE_NOT_SIGNED_IN
from streaming.telemetry.process_stats import EventLoopMonitor


class Socket:
    def __init__(self, key: str):
        self.scope = {"session": SimpleNamespace(session_key=key)}
        self.user = SimpleNamespace(pk=1, password="hash")
        self.closed_with: int | None = None

    async def close(self, code: int) -> None:
        self.closed_with = code


async def test_a_page_that_opens_while_sessions_are_looked_at_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    care: Any = object.__new__(open_sockets.Sockets)  # without its tasks
    gone, late = Socket("ended"), Socket("new")
    care._open = {gone}

    async def in_database(*_: object) -> open_sockets.SessionState:
        care._open.add(late)
        return set(), {1: "hash"}

    monkeypatch.setattr(open_sockets, "in_database", in_database)
    await care._close_signed_out()

    assert gone.closed_with == CLOSE_NOT_SIGNED_IN
    assert late.closed_with is None


async def test_the_care_of_sockets_outlives_every_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    care: Any = object.__new__(open_sockets.Sockets)
    rounds: asyncio.Queue[str] = asyncio.Queue()

    def failing(name: str, error: Exception) -> None:
        async def fail() -> None:
            rounds.put_nowait(name)
            raise error

        monkeypatch.setattr(care, name, fail, raising=False)

    failing("_close_overdue", RuntimeError("a fault of ours"))
    failing("_close_signed_out", DatabaseError("it is away"))
    monkeypatch.setattr(open_sockets, "CARE_INTERVAL_S", 0.0)
    task = asyncio.create_task(care._take_care())

    begun = [await asyncio.wait_for(rounds.get(), 30) for _ in range(4)]

    task.cancel()
    assert begun == ["_close_overdue", "_close_signed_out"] * 2
    told = {(record.levelname, record.getMessage(), bool(record.exc_info)) for record in caplog.records}
    assert told == {
        ("ERROR", "slow pages were not closed", True),
        ("WARNING", "sessions were not checked: it is away", False),
    }


async def test_refusals_that_were_not_told_are_told_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    care: Any = object.__new__(open_sockets.Sockets)
    care._open, care._opened, care._heartbeat_at = set(), 0, 0.0
    care._monitor, care._redis, care.refused = EventLoopMonitor(), None, Counter(too_long=2)

    async def publish_web(*_: object, **more: object) -> None:
        care.refused["empty"] += 1  # meanwhile
        raise RuntimeError("a fault of ours")

    async def compare(_: object) -> None: ...

    monkeypatch.setattr(open_sockets.heartbeats, "publish_web", publish_web)
    monkeypatch.setattr(open_sockets.redis_clock, "compare", compare)
    await open_sockets.run_round("not told", care._publish_heartbeat())

    assert care.refused == {"too_long": 2, "empty": 1}


class Reader:
    """A socket, as far as its window goes."""

    def __init__(self) -> None:
        self.window = Window()


def test_pages_that_read_nothing_are_counted(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    care: Any = object.__new__(open_sockets.Sockets)
    full, silent, idle = Reader(), Reader(), Reader()
    care._open = {full, silent, idle}

    full.window.sent(settings.VIEWER_WINDOW_BYTES + 1)
    silent.window.sent(1)
    assert care.waiting == 1
    monkeypatch.setattr(page_socket, "LATE_S", 0.0)
    assert care.waiting == 2

    for reader in (full, silent):
        reader.window.acknowledged(1)
    assert care.waiting == 0
