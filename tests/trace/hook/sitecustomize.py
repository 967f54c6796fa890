"""In the path of a process that is traced: counts the calls of our functions by period, and writes them down.

The period is a byte in the file TRACE_FOLDER/period, which all processes share with the tracing program: whatever is
called after it has written there belongs to the new one.
"""

import json
import mmap
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

FOLDER = Path(os.environ["TRACE_FOLDER"])
ROOT = os.environ["TRACE_ROOT"]
WRITE_EVERY_S = 0.25

with (FOLDER / "period").open("rb") as file:
    period = mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)
calls: Counter[tuple[int, str, str]] = Counter()


def count(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and (path := frame.f_code.co_filename).startswith(ROOT):
        calls[period[0], path, frame.f_code.co_qualname] += 1


def write_down() -> None:
    """When the period has changed: all that was called so far."""
    written = period[0]
    while True:
        time.sleep(WRITE_EVERY_S)
        if (now := period[0]) != written:
            written = now
            found = [[number, path[len(ROOT) :], name, times] for (number, path, name), times in calls.copy().items()]
            (FOLDER / f"{os.getpid()}.json").write_text(json.dumps(found))


threading.setprofile(count)
sys.setprofile(count)
threading.Thread(target=write_down, daemon=True).start()
