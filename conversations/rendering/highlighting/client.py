"""The client of the highlighting process, which is started with the first code block and restarted when it has ended.

Results are cached, also those that took too long, so showing a text again costs nothing. A reply that came too late is
cached when the next request reads it.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

logger = logging.getLogger(__name__)

LONGEST = 20_000  # characters of a code block
BLOCKS = 200  # per text
SECONDS = 1.0  # processor time for the blocks of a text; a block that is too slow takes a fifth of it
PATIENCE_S = 2.0  # how long a page waits for a reply, which may come later
NO_PATIENCE_S = 0.001  # for a late reply
STUCK_S = 60.0  # until the process counts as dead: it ends by itself after three seconds of processor time
KEPT_CHARACTERS = 4_000_000

PROGRAM = Path(__file__).with_name("process.py")


@dataclass
class HighlightBudget:
    """What the code blocks of one text may still cost; blocks beyond it stay plain."""

    blocks: int = BLOCKS
    seconds: float = SECONDS
    gave_up: bool = False  # the process did not reply in time: rendering later may colour more


class Reply(NamedTuple):
    html: str | None
    seconds: float  # processor time
    error: str = ""


NOT_NOW = Reply(None, SECONDS)  # uses up the budget, so that the rest of the text stays plain, too


class NoReply(Exception):
    """The machine is busy, the process is stuck, or somebody killed it."""


class Died(Exception):
    """The process died of the request."""


def highlight(source: str, language: str, budget: HighlightBudget) -> str | None:
    """Returns HTML; None if the language is unknown or it takes too long. Blocks: do not call it in an event loop."""
    if not language or len(source) > LONGEST or budget.blocks <= 0 or budget.seconds <= 0:
        return None
    budget.blocks -= 1
    return _highlighter.highlight(source, language, budget)


class Highlighter:
    """Thread-safe; sends one request at a time to the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = Kept()
        self._process: HighlightingProcess | None = None

    def highlight(self, source: str, language: str, budget: HighlightBudget) -> str | None:
        # Fits into a socket's buffer, so that it can be sent before the process has started up.
        request = json.dumps([language, source], ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        key = blake2b(request, digest_size=16).digest()
        reply = self._kept.get(key) or self._new_reply(request, key)
        # Cached replies count as well, so that a text looks the same however often it is rendered.
        budget.seconds -= reply.seconds
        budget.gave_up |= reply is NOT_NOW
        return reply.html

    def _new_reply(self, request: bytes, key: bytes) -> Reply:
        if not self._lock.acquire(timeout=PATIENCE_S):
            return NOT_NOW
        try:
            if self._process is not None and self._process.asked is not None:
                self._receive(self._process, NO_PATIENCE_S)  # the late reply to an earlier request
            return self._kept.get(key) or self._ask(request, key)  # another thread may have asked meanwhile
        except (NoReply, OSError) as error:
            logger.warning("code is shown plain: %s", error)
            return NOT_NOW
        finally:
            self._lock.release()

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None

    def _ask(self, request: bytes, key: bytes) -> Reply:
        """Raises NoReply, OSError. Replaces a process that ended between two requests."""
        if self._process is None or self._process.has_ended:
            self.close()
            self._process = HighlightingProcess()
        try:
            self._process.ask(request, key)
        except OSError:
            self.close()
            raise
        return self._receive(self._process, PATIENCE_S)

    def _receive(self, process: HighlightingProcess, patience_s: float) -> Reply:
        """Returns and caches the reply to the pending request. Raises NoReply."""
        assert process.asked is not None
        key = process.asked
        try:
            reply = process.reply(patience_s)
        except Died as death:
            self.close()
            reply = Reply(None, SECONDS, str(death))
        except NoReply:
            if process.has_ended or process.is_stuck:
                self.close()
            raise
        if reply.error:
            logger.info("code is shown plain: %s", reply.error)
        self._kept.keep(key, reply)
        return reply


class HighlightingProcess:
    """Raises OSError if it cannot be started."""

    def __init__(self) -> None:
        self.asked: bytes | None = None  # key of the pending request
        self._asked_at = 0.0
        self._received = bytearray()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM)],  # -P: modules beside the program must not shadow others
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def is_stuck(self) -> bool:
        return time.monotonic() - self._asked_at > STUCK_S

    def ask(self, request: bytes, key: bytes) -> None:
        """Raises OSError, after which the caller must end the process."""
        self._socket.settimeout(PATIENCE_S)
        self._socket.sendall(request)
        self.asked, self._asked_at = key, time.monotonic()

    def reply(self, patience_s: float) -> Reply:
        """Raises NoReply, after which it may be called again if the process lives, and Died."""
        self._socket.settimeout(patience_s)
        try:
            while not self._received.endswith(b"\n"):
                if not (received := self._socket.recv(65_536)):
                    raise self._ended()
                self._received += received
        except TimeoutError as error:
            raise NoReply(f"no reply within {time.monotonic() - self._asked_at:.1f} s") from error
        except ConnectionError as error:
            raise self._ended() from error
        line, self._received, self.asked = self._received, bytearray(), None
        return Reply(**json.loads(line))

    def _ended(self) -> Exception:
        status = self._process.wait()
        is_external = status in (-signal.SIGKILL, -signal.SIGTERM)  # for example the kernel, out of memory
        return (NoReply if is_external else Died)(f"the process ended with {status}")

    def end(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()


class Kept:
    """A cache of replies by their requests' digests, up to KEPT_CHARACTERS; the oldest are dropped."""

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, Reply] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Reply | None:
        return self._found.get(key)

    def keep(self, key: bytes, reply: Reply) -> None:
        with self._lock:
            if key in self._found:
                return
            self._found[key] = reply
            self._characters += size(reply)
            while self._characters > KEPT_CHARACTERS:
                self._characters -= size(self._found.popitem(last=False)[1])


def size(reply: Reply) -> int:
    return len(reply.html or "") + 200  # 200: overhead


def begin_anew() -> None:
    """Called after a fork: parent and child must share neither the process nor a held lock."""
    global _highlighter
    _highlighter = Highlighter()


_highlighter = Highlighter()
os.register_at_fork(after_in_child=begin_anew)
atexit.register(lambda: _highlighter.close())
