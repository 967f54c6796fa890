"""The process that highlights code: a request per line comes in, and a reply per line goes out.

Some of Pygments' regular expressions take exponential time, and hold the interpreter meanwhile. Here that is harmless:
a timer of processor time interrupts them, and nobody else waits for this interpreter. It knows nothing of Django, has
none of its parent's sockets but one, and ends when that does, which is when the parent dies.
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

SECONDS_FOR_CODE = 0.2  # of processor time; 20,000 characters of Python take a tenth of it
MEMORY_LIMIT = 512 * 1024 * 1024  # bytes of addresses; all of Pygments' lexers together take 50 MB
HTML_LIMIT = 1_000_000  # characters; more is no help to a reader

FORMATTER = HtmlFormatter(nowrap=True)


class TooSlow(BaseException):
    """The processor time for one code block is used up. No Exception, for which lexers have handlers."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    signal.signal(signal.SIGPROF, interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with open(0, "rb") as requests, open(1, "wb") as replies:
        for line in requests:
            replies.write(json.dumps(reply_to(*json.loads(line))).encode() + b"\n")
            replies.flush()


def reply_to(language: str, source: str) -> dict[str, Any]:
    """The HTML, or None where the language is not known or the code takes too long; and what it cost."""
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
    except (Exception, MemoryError, RecursionError) as failure:  # whatever a lexer stumbles over in what a model wrote
        error = type(failure).__name__
    return {"html": html, "seconds": processor_time() - begun, "error": error}


def highlight(lexer: Lexer, source: str) -> str | None:
    found = StringIO()
    FORMATTER.format(lexer.get_tokens(source), found)
    return found.getvalue() if found.tell() <= HTML_LIMIT else None


@lru_cache(maxsize=128)
def lexer_of(language: str) -> Lexer | None:
    """None for a language that Pygments does not know."""
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def interrupt(signum: int, frame: FrameType | None) -> None:
    raise TooSlow


def kill_at(seconds: float) -> None:
    """What does not heed the timer ends with the process, even if nobody is left who would end it."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 1, most))


def processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)  # the parent has gone
