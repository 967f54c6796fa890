"""Asks the highlighting process, which is started with the first code block and anew whenever it has ended.

What was highlighted once is kept, and so is what took too long: a text that is shown again costs nothing.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

logger = logging.getLogger(__name__)

LONGEST = 20_000  # characters of a code block
BLOCKS = 200  # of a text
SECONDS = 1.0  # of processor time for the blocks of a text; one that is too slow takes a fifth of it
PATIENCE_S = 2.0  # until the process is taken for dead: its own limit is far below
KEPT_CHARACTERS = 4_000_000

PROGRAM = Path(__file__).with_name("process.py")


@dataclass
class HighlightBudget:
    """What the code blocks of one text may still cost; the rest of them stay plain."""

    blocks: int = BLOCKS
    seconds: float = SECONDS
    gave_up: bool = False  # the process was not to be had in time: later there may be more colours


class Reply(NamedTuple):
    html: str | None
    seconds: float  # of the process's processor time
    error: str = ""


NOT_NOW = Reply(None, SECONDS)  # the rest of the text stays plain too


class NoReply(Exception):
    """Not in time: the machine is busy, or the process is stuck."""


class Died(NoReply):
    """The process ended before it replied."""


def highlight(source: str, language: str, budget: HighlightBudget) -> str | None:
    """HTML; None if the language is not known, or it would take too long. May wait: not for an event loop."""
    if not language or len(source) > LONGEST or budget.blocks <= 0 or budget.seconds <= 0:
        return None
    budget.blocks -= 1
    return _highlighter.highlight(source, language, budget)


class Highlighter:
    """May be asked from any thread; one request goes to the process at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = Kept()
        self._process: HighlightingProcess | None = None

    def highlight(self, source: str, language: str, budget: HighlightBudget) -> str | None:
        request = json.dumps([language, source]).encode() + b"\n"
        key = blake2b(request, digest_size=16).digest()
        reply = self._kept.get(key) or self._new_reply(request, key)
        # What was kept counts as well: a text looks the same however often it is rendered.
        budget.seconds -= reply.seconds
        budget.gave_up |= reply is NOT_NOW
        return reply.html

    def _new_reply(self, request: bytes, key: bytes) -> Reply:
        if not self._lock.acquire(timeout=PATIENCE_S):
            return NOT_NOW
        try:
            reply = self._kept.get(key) or self._ask(request)  # another thread may have asked for it meanwhile
        except Died as death:  # most likely of this request
            reply = Reply(None, SECONDS, str(death))
        except (NoReply, OSError) as error:
            logger.warning("code is shown plain: %s", error)
            return NOT_NOW
        finally:
            self._lock.release()
        if reply.error:
            logger.info("code is shown plain, %d characters: %s", len(request), reply.error)
        self._kept.keep(key, reply)
        return reply

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None

    def _ask(self, request: bytes) -> Reply:
        """Raises NoReply, OSError. A process that ended between two requests is replaced."""
        if self._process is None or self._process.has_ended:
            self.close()
            self._process = HighlightingProcess()
        try:
            return self._process.reply_to(request)
        except NoReply:
            self.close()
            raise


class HighlightingProcess:
    """Raises OSError if it cannot be started."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(PATIENCE_S)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM)],  # -P: no module beside the program hides one that it needs
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._replies = self._socket.makefile("rb")

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def reply_to(self, request: bytes) -> Reply:
        """Raises NoReply."""
        try:
            self._socket.sendall(request)
            line = self._replies.readline()
        except TimeoutError as error:
            raise NoReply(f"no reply within {PATIENCE_S} s") from error
        except OSError as error:
            raise Died(str(error)) from error
        if not line:
            raise Died(f"the process ended with {self._process.wait()}")
        return Reply(**json.loads(line))

    def end(self) -> None:
        self._replies.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()


class Kept:
    """The latest replies by their requests' digests, up to a number of characters."""

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
    return len(reply.html or "") + 200  # with what surrounds it


def begin_anew() -> None:
    """After a fork: parent and child must share neither the process nor a lock that somebody held."""
    global _highlighter
    _highlighter = Highlighter()


_highlighter = Highlighter()
os.register_at_fork(after_in_child=begin_anew)
atexit.register(lambda: _highlighter.close())
