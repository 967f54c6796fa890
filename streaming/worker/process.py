"""How a worker process begins, and how it ends: by a flag that its loops see, never by work in a signal handler.

Celery's own handlers write to the terminal and call its signals' receivers in the middle of whatever the main thread
does. What that needs, the interrupted main thread may hold: one that hands over there can wait for itself for ever.
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
    """Takes the place of Celery's signal handlers, which are there before the first step is started."""

    def start(self, parent: Any) -> None:
        for number in ENDING:
            signal.signal(number, partial(end, runner()))


def end(running: Runner, number: int, frame: FrameType | None) -> None:
    """Takes no lock: the main thread may hold it."""
    state.should_stop = 0  # type: ignore[assignment] # Celery's main loop looks at it once a second; the exit code
    running.hand_over_soon()


current_app.steps["worker"].add(PoliteEnd)


@worker_ready.connect
def begin_at_once(sender: Any, **_: object) -> None:
    """A worker that starts looks for what is left undone, without waiting for beat."""
    gc.freeze()  # see chatsite/asgi.py
    for task in ("sweep", "probe_model_servers"):
        sender.app.send_task(f"streaming.tasks.{task}")


@worker_shutdown.connect
def end_loop(**_: object) -> None:
    """The last that the main thread does: it ends no sooner than what it runs is others' to go on with."""
    runner().wait_for_hand_over()
