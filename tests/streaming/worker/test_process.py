"""A worker is told to end at any moment: in the middle of whatever its main thread does."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import thread as pool

import pytest
from celery.worker import state

from streaming.worker import process
from streaming.worker.runner import Runner

PATIENCE_S = 60.0


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """In a thread of its own."""
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    running.join()
    loop.close()


def test_the_signal_handler_needs_nothing_that_the_main_thread_may_hold(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    runner = Runner.__new__(Runner)  # without all that it opens
    monkeypatch.setattr(runner, "_loop", loop, raising=False)
    monkeypatch.setattr(runner, "_begin_hand_over", begun.set)
    monkeypatch.setattr(state, "should_stop", None)

    with pool._global_shutdown_lock:  # type: ignore[attr-defined] # of all thread pools: taken to submit to any of them
        process.end(runner, signal.SIGTERM, None)

        assert begun.wait(PATIENCE_S)
    assert state.should_stop == 0
