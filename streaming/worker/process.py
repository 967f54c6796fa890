"""Start and end of a worker process. Signal handlers only set a flag that the loops see.

Celery's own handlers write to the terminal and call signal receivers in the middle of whatever the main thread is
doing. The interrupted main thread may hold the locks that they need, so handing over there could deadlock.
"""

from __future__ import annotations

import gc
import signal
from functools import partial
from types import FrameType
from typing import Any

from celery import bootsteps, current_app
from celery.signals import worker_ready, worker_shutdown
from celery.worker import state

from .runner import Runner, runner

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class PoliteEnd(bootsteps.StartStopStep):
    """Replaces Celery's signal handlers, which are installed before the first step starts."""

    def start(self, parent: Any) -> None:
        for number in ENDING:
            signal.signal(number, partial(end, runner()))


def end(running: Runner, number: int, frame: FrameType | None) -> None:
    """Takes no lock: the main thread may hold it."""
    # The exit code. Celery's main loop checks it once a second.
    state.should_stop = 0  # type: ignore[assignment]
    running.hand_over_soon()


current_app.steps["worker"].add(PoliteEnd)


@worker_ready.connect
def begin_at_once(sender: Any, **_: object) -> None:
    """A starting worker looks for unfinished work at once, without waiting for beat."""
    gc.freeze()  # see chatsite/asgi.py
    for task in ("sweep", "probe_model_servers"):
        sender.app.send_task(f"streaming.tasks.{task}")


@worker_shutdown.connect
def end_loop(**_: object) -> None:
    """The main thread's last act: the process ends only after its generations were handed over."""
    runner().wait_for_hand_over()
