"""Text in, safe HTML out. Every function takes any text and raises nothing; caps on the input bound the time."""

from __future__ import annotations

import html
import logging
import re
import threading
from dataclasses import dataclass

from markdown import Markdown, util

from .extension import ChatMarkdown
from .inline import LEFTOVER
from .sanitiser import sanitised
from .segmenter import segments
from .tree import BlockTree

logger = logging.getLogger(__name__)

RENDERER_VERSION = 2  # part of cache keys: raise it when the same text gives other HTML

BLOCK_LIMIT = 20_000  # characters of a block; a longer one is shown as it is
LINE_LIMIT = 8_000  # characters of a line outside of code
MARKS_LIMIT = 1_500  # in one block, of each character that makes the inline parser search far
MARKS = re.compile(r"[\[\]<`*_$~!]")

References = dict[str, tuple[str, str]]  # link reference definitions: name → address, title


@dataclass(frozen=True)
class Tail:
    """The unfinished end of an answer as it looks now."""

    html: str
    kind: str | None  # of its last block; None if it has none


_of_thread = threading.local()


def render(text: str) -> str:
    """A whole text."""
    return "\n".join(html for html in render_blocks(text) if html)


def render_blocks(text: str) -> list[str]:
    """A whole text by top-level block, with the reference definitions of all of it."""
    sources = segments(text)
    references = definitions(text)
    return [render_block(source, references) for source in sources]


def render_block(source: str, references: References) -> str:
    """One finished top-level block alone. What it defines is added to ``references``."""
    if is_too_much(source):
        return as_text(source)
    try:
        return converted(source, references, live=False)
    except Exception:
        logger.exception("a block of %d characters could not be rendered", len(source))
        return as_text(source)


def render_tail(source: str, references: References) -> Tail:
    """The unfinished end: what is open is closed, what is undecided is held back."""
    if is_too_much(source):
        return Tail(as_text(source), None)
    try:
        found = converted(source, dict(references), live=True)
    except Exception:
        logger.exception("a tail of %d characters could not be rendered", len(source))
        return Tail(as_text(source), None)
    return Tail(found, parser().kind)


def plain_text(text: str, limit: int) -> str:
    """The beginning of a text without its marks, for titles and excerpts."""
    without_tags = re.sub(r"<[^>]*>", " ", render(text[: limit * 4]))
    words = html.unescape(without_tags).split()
    line = " ".join(words)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def converted(source: str, references: References, *, live: bool) -> str:
    md = markdown()
    md.reset()
    md.references.update(references)
    parser().live = live
    found = md.convert(source)
    references.update(md.references)
    return sanitised(LEFTOVER.sub("", found) if util.STX in found else found)


def definitions(text: str) -> References:
    """The link reference definitions of a text; the blocks are not rendered."""
    references: References = {}
    if "]:" not in text:
        return references
    for source in segments(text):
        if "]:" in source:
            render_block(source, references)
    return references


def markdown() -> Markdown:
    """This thread's instance: it keeps state while it converts."""
    if not hasattr(_of_thread, "markdown"):
        _of_thread.markdown = Markdown(
            extensions=["pymdownx.magiclink", ChatMarkdown()], output_format="html", tab_length=4
        )
    found: Markdown = _of_thread.markdown
    return found


def parser() -> BlockTree:
    found = markdown().parser
    assert isinstance(found, BlockTree)
    return found


def is_too_much(source: str) -> bool:
    """Long beyond what people write, or full of marks that would make the inline parser take for ever."""
    if len(source) > BLOCK_LIMIT:
        return True
    if source.lstrip().startswith(("```", "~~~")):
        return False
    if len(source) > LINE_LIMIT and max(map(len, source.split("\n"))) > LINE_LIMIT:
        return True
    return len(source) > MARKS_LIMIT and len(MARKS.findall(source)) > MARKS_LIMIT


def as_text(source: str) -> str:
    return f'<pre class="plain" dir="auto">{html.escape(source, quote=False)}</pre>'
