"""Prints a line when the site answers."""

from __future__ import annotations

import math
import os
import signal
import time
from http.client import HTTPConnection, HTTPException

from django.conf import settings

READY_WITHIN_S = 60.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # wildcard address → one that can be visited


def address() -> str:
    host = EVERYWHERE.get(settings.HOST, settings.HOST)
    return f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"


def announce_when_ready(lock: int) -> None:
    """Forks a child that waits for the site, prints the line and exits. It also exits when the manager ends."""
    manager = os.getpid()
    if os.fork():
        return
    os.close(lock)  # only the manager may hold it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    until = time.monotonic() + READY_WITHIN_S
    while os.getppid() == manager:
        if is_ready():
            print(f"Ready: {address()} (Ctrl-C ends it)", flush=True)
            break
        if time.monotonic() > until:
            print(f"Not ready after {READY_WITHIN_S:.0f} s. See above, and {settings.DATA_DIR}/redis.log.", flush=True)
            until = math.inf
        time.sleep(0.1)
    os._exit(0)


def is_ready() -> bool:
    host = EVERYWHERE.get(settings.HOST, settings.HOST)
    connection = HTTPConnection(host, settings.PORT, timeout=2)  # unlike urllib, it ignores proxies
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
