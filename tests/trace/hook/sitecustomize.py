"""In the path of a process that is traced: counts the calls of our functions, and writes them down at the end of each
period. The periods are named by the file TRACE_FOLDER/period, which the tracing program writes."""

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

FOLDER = Path(os.environ["TRACE_FOLDER"])
ROOT = os.environ["TRACE_ROOT"]
LOOK_EVERY_S = 0.05

calls: Counter[tuple[str, str]] = Counter()


def count(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and (path := frame.f_code.co_filename).startswith(ROOT):
        calls[path, frame.f_code.co_qualname] += 1


def write_down() -> None:
    """Of each period, when the next one has begun."""
    period, written = "", FOLDER / "period"
    while True:
        time.sleep(LOOK_EVERY_S)
        now = written.read_text() if written.exists() else ""
        if now != period:
            if period:
                found = [[path[len(ROOT) :], name, number] for (path, name), number in calls.copy().items()]
                (FOLDER / f"{period}.{os.getpid()}.json").write_text(json.dumps(found))
            calls.clear()
            period = now


threading.setprofile(count)
sys.setprofile(count)
threading.Thread(target=write_down, daemon=True).start()
