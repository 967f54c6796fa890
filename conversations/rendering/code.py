"""Code blocks: a bar with the language and a copy button, and the code, coloured by Pygments.

Its classes are Pygments' short ones: bp c c1 ch cm cp cpf cs dl err fm g gd ge gh gi go gp gr gs gt gu k kc kd kn kp kr
kt l ld m mb mf mh mi mo il n na nb nc nd ne nf ni nl nn no nt nv nx o ow p pm py s s1 s2 sa sb sc sd se sh si sr ss sx
vc vg vi vm w x.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from io import StringIO
from time import thread_time

from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import _TokenType
from pygments.util import ClassNotFound

COLOURED_UP_TO = 20_000  # characters
SECONDS_FOR_COLOURS = 0.2  # of processor time; 20,000 characters of Python take a tenth of it
LONG_RUN = re.compile(r"(\s|\S)\1{500}")
LANGUAGE_LENGTH = 40

Token = tuple[_TokenType, str]

FORMATTER = HtmlFormatter(nowrap=True)


def code_block(source: str, info: str, *, coloured: bool = True) -> str:
    """``info`` is what stands behind the opening fence: its first word names the language."""
    language = re.split(r"[\s{,:]", info, maxsplit=1)[0].lower()[:LANGUAGE_LENGTH]
    name = html.escape(language or "text")
    return (
        '<div class="code" dir="ltr"><div class="code__bar">'
        f'<span class="code__language">{name}</span>'
        '<button type="button" class="code__copy" data-copy-code="">Copy</button></div>'
        f'<pre tabindex="0"><code class="language-{name}">{body(source, language, coloured)}</code></pre></div>'
    )


def body(source: str, language: str, coloured: bool) -> str:
    lexer = lexer_for(language) if coloured and language and len(source) <= COLOURED_UP_TO else None
    return (lexer and colours(source + "\n", lexer)) or html.escape(source, quote=False) + "\n"


def colours(source: str, lexer: Lexer) -> str | None:
    """None if it takes too long: a thousand blank lines are enough for some of Pygments' patterns."""
    if LONG_RUN.search(source):
        return None
    found = StringIO()
    try:
        FORMATTER.format(in_time(lexer.get_tokens(source)), found)
    except TooSlow:
        return None
    return found.getvalue()


class TooSlow(Exception):
    """The tokens took longer than colours are worth."""


def in_time(tokens: Iterable[Token]) -> Iterator[Token]:
    """Raises TooSlow. Counts this thread's time, so that other work on the machine makes no difference."""
    begun = thread_time()
    for token in tokens:
        if thread_time() - begun > SECONDS_FOR_COLOURS:
            raise TooSlow
        yield token


@lru_cache(maxsize=256)
def lexer_for(language: str) -> Lexer | None:
    """None for a language that Pygments does not know."""
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
