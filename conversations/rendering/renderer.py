"""Text in, safe HTML out. Every function takes any text and raises nothing; caps on the input bound the time."""

from __future__ import annotations

import html
import logging
import re
import threading
import xml.etree.ElementTree as etree
from dataclasses import dataclass

from markdown import Extension, Markdown, util

from .blocks import Kind, read_blocks
from .highlighting import HighlightBudget
from .inline import LEFTOVER, CleanText, LineBreaks, References, register_patterns, without_placeholders
from .limits import BLOCK_LIMIT
from .sanitiser import sanitise
from .segmenter import segments
from .tree import BlockTree, define

logger = logging.getLogger(__name__)

RENDERER_VERSION = 7  # part of cache keys: raise it when the same text gives other HTML

FENCE = re.compile(r" {0,3}(?:```|~~~)")
NOT_TEXT = re.compile(r'<div class="code__bar">.*?</div>|<[^>]*>', re.DOTALL)


@dataclass(frozen=True)
class Tail:
    """The unfinished end of an answer as it looks now."""

    html: str
    kind: str | None  # of its last block, see Kind; None if it has none


def render(text: str) -> str:
    """A whole text."""
    return "\n".join(block for block in render_blocks(text) if block)


def render_blocks(text: str, budget: HighlightBudget | None = None) -> list[str]:
    """A whole text by top-level block, with the reference definitions of all of it. May wait, as render_block."""
    return blocks_of(text, budget or HighlightBudget())


def render_block(source: str, references: References, budget: HighlightBudget | None = None) -> str:
    """One finished top-level block. What it defines is added to ``references``, what its code costs is taken from
    ``budget``: both are shared by the blocks of a text. May wait for the highlighting process."""
    return convert(source, references, budget or HighlightBudget())[0]


def render_tail(source: str, references: References) -> Tail:
    """The unfinished end: what is open is closed, what is undecided is held back."""
    found, kind = convert(source, references.copy(), None, live=True)
    return Tail(found, kind)


def plain_text(text: str, limit: int) -> str:
    """The beginning of a text without its marks, for titles and excerpts."""
    beginning = text[: limit * 4]
    shown = "\n".join(blocks_of(text, None)) if beginning == text else render_tail(beginning, References()).html
    words = " ".join(html.unescape(NOT_TEXT.sub(" ", shown)).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def blocks_of(text: str, budget: HighlightBudget | None) -> list[str]:
    sources = segments(text)
    references = definitions(sources)
    return [convert(source, references, budget)[0] for source in sources]


def definitions(sources: list[str]) -> References:
    """The link reference definitions of all blocks."""
    references = References()
    for source in sources:
        if "]:" in source:
            define(read_blocks(without_placeholders(source)), references)
    return references


def convert(
    source: str, references: References, budget: HighlightBudget | None, *, live: bool = False
) -> tuple[str, Kind | None]:
    """HTML, and the kind of the last block. What is defined is added to ``references``."""
    if len(source) > BLOCK_LIMIT and not FENCE.match(source):
        return as_text(source), None
    try:
        return renderer().convert(source, references, budget, live=live)
    except Exception:  # nothing that a model writes may end a page or a worker
        logger.exception("a block of %d characters could not be rendered", len(source))
        del _of_thread.renderer  # it may be left in the middle of something
        return as_text(source), None


def as_text(source: str) -> str:
    return f'<pre class="plain" dir="auto">{html.escape(without_placeholders(source), quote=False)}</pre>'


class ChatMarkdown(Extension):
    """Our block reader for its block parser, and our patterns for what must take bounded time or mean itself."""

    def extendMarkdown(self, md: Markdown) -> None:
        self.sources: dict[etree.Element, str] = {}  # what was written where an element stands now
        md.registerExtension(self)
        md.parser = BlockTree(md)
        for name in ("normalize_whitespace", "html_block"):
            md.preprocessors.deregister(name)
        md.preprocessors.register(CleanText(md), "clean", 100)
        register_patterns(md, self.sources)
        md.treeprocessors.register(LineBreaks(md), "line_breaks", 15)  # behind the patterns, before line ends are added

    def reset(self) -> None:
        self.sources.clear()


class Renderer:
    """Markdown instances keep state while they convert and are costly to make: one per thread."""

    def __init__(self) -> None:
        self.markdown = Markdown(extensions=[ChatMarkdown()], output_format="html")
        parser = self.markdown.parser
        assert isinstance(parser, BlockTree)
        self.tree = parser

    def convert(
        self, source: str, references: References, budget: HighlightBudget | None, *, live: bool
    ) -> tuple[str, Kind | None]:
        self.markdown.references = {}  # the one before belongs to its caller, and is emptied by ``reset``
        self.markdown.reset()
        self.markdown.references = references
        self.tree.begin(budget, live=live)
        found = self.markdown.convert(source)
        return sanitise(LEFTOVER.sub("", found) if util.STX in found else found), self.tree.kind


_of_thread = threading.local()


def renderer() -> Renderer:
    if not hasattr(_of_thread, "renderer"):
        _of_thread.renderer = Renderer()
    found: Renderer = _of_thread.renderer
    return found
