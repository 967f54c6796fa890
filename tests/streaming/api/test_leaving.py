"""A program that goes, in whatever way, is watched for no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from conversations.models import ApiToken, Generation
from streaming.api import events, reader
from streaming.api.events import HEARTBEAT, OPENING, Stream
from streaming.coordination.user_limits import Slot
from streaming.live.answer import LiveAnswer


class Hub:
    """In which nothing happens."""

    def __init__(self) -> None:
        self.watching: set[object] = set()

    async def watch(
        self, generation: Generation, make: Callable[[LiveAnswer], object], show: Awaitable[None]
    ) -> object:
        watcher = make(LiveAnswer(generation.pk))
        self.watching.add(watcher)
        return watcher

    def leave(self, watcher: object) -> None:
        self.watching.discard(watcher)

    async def entries_after(self, answer: LiveAnswer, position: str) -> list[object]:
        return []


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    for module in (events, reader):
        monkeypatch.setattr(module, "hub", lambda: hub)
    monkeypatch.setattr(events, "streams", lambda: hub.watching)
    monkeypatch.setattr(events, "HEARTBEAT_S", 0)
    return hub


async def test_a_quiet_stream_is_kept_alive_and_leaves_when_it_is_closed(quiet: Hub) -> None:
    frames = Stream(ApiToken(pk=1), Generation(), "", Slot(lambda: None)).frames()

    heard = [await anext(frames) for _ in range(3)]
    watching = len(quiet.watching)
    await frames.aclose()  # type: ignore[attr-defined]

    assert heard == [OPENING, HEARTBEAT, HEARTBEAT]
    assert watching == 2  # itself, and its reader
    assert quiet.watching == set()


async def test_a_stream_that_is_told_to_end_ends(quiet: Hub) -> None:
    stream = Stream(ApiToken(pk=1), Generation(), "", Slot(lambda: None))
    frames = stream.frames()
    await anext(frames)

    stream.end()
    rest = [frame async for frame in frames]

    assert rest == []
    assert quiet.watching == set()


async def test_what_was_never_read_watches_nothing(quiet: Hub) -> None:
    Stream(ApiToken(pk=1), Generation(), "", Slot(lambda: None)).frames()

    assert quiet.watching == set()
