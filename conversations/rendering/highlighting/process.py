"""The process that highlights code: reads a request per line, writes a reply per line.

Some of Pygments' regular expressions take exponential time and hold the GIL meanwhile. Here that is harmless: a
processor-time timer interrupts them, and nothing else runs in this interpreter. The process does not import Django, has
only one of its parent's sockets, and ends when that is closed, at the latest when the parent dies.
"""

from __future__ import annotations

import json
import math
import resource
import signal
import sys
from functools import lru_cache
from io import StringIO
from types import FrameType
from typing import Any

from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

SECONDS_FOR_CODE = 0.2  # processor time; 20,000 characters of Python take a tenth of it
MEMORY_LIMIT = 512 * 1024 * 1024  # bytes of address space; all of Pygments' lexers together take 50 MB
HTML_LIMIT = 1_000_000  # characters; more does not help a reader

FORMATTER = HtmlFormatter(nowrap=True)


class TooSlow(BaseException):
    """The processor time for one code block is used up. Not an Exception, since lexers catch those."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    signal.signal(signal.SIGPROF, interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with open(0, "rb") as requests, open(1, "wb") as replies:
        for line in requests:
            replies.write(json.dumps(reply_to(*json.loads(line))).encode() + b"\n")
            replies.flush()


def reply_to(language: str, source: str) -> dict[str, Any]:
    """Returns the fields of the client's ``Reply``; ``html`` is None for an unknown language, or after a failure."""
    lexer = lexer_of(language)
    if lexer is None:
        return {"html": None, "seconds": 0, "error": ""}
    html, error, begun = None, "", processor_time()
    kill_at(begun + 2 * SECONDS_FOR_CODE)
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS_FOR_CODE)
        try:
            html = highlight(lexer, source)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except TooSlow:
        error = "too slow"
    except (Exception, MemoryError, RecursionError) as failure:  # a lexer may fail in any way on a model's text
        error = type(failure).__name__
    return {"html": html, "seconds": processor_time() - begun, "error": error}


def highlight(lexer: Lexer, source: str) -> str | None:
    found = StringIO()
    FORMATTER.format(lexer.get_tokens(source), found)
    return found.getvalue() if found.tell() <= HTML_LIMIT else None


@lru_cache(maxsize=128)
def lexer_of(language: str) -> Lexer | None:
    """Returns None for a language that Pygments does not know."""
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def interrupt(signum: int, frame: FrameType | None) -> None:
    raise TooSlow


def kill_at(seconds: float) -> None:
    """Sets a hard limit on processor time for code that the timer cannot interrupt; works without the parent, too."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 1, most))


def processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)  # the parent has ended
