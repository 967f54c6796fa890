"""Renders text as safe HTML. Every function accepts any text and raises nothing; input limits bound the time."""

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

RENDERER_VERSION = 7  # part of cache keys: increase it when the same text gives different HTML

FENCE = re.compile(r" {0,3}(?:```|~~~)")
NOT_TEXT = re.compile(r'<div class="code__bar">.*?</div>|<[^>]*>', re.DOTALL)


@dataclass(frozen=True)
class Tail:
    """The unfinished end of an answer as currently shown."""

    html: str
    kind: str | None  # Kind of the last block; None if there is none


def render(text: str) -> str:
    return "\n".join(block for block in render_blocks(text) if block)


def render_blocks(text: str, budget: HighlightBudget | None = None) -> list[str]:
    """Renders a whole text by top-level block, with its reference definitions. May block, like render_block."""
    return blocks_of(text, budget or HighlightBudget())


def render_block(source: str, references: References, budget: HighlightBudget | None = None) -> str:
    """Renders a finished top-level block. Adds its definitions to ``references`` and takes its code's cost from
    ``budget``; the blocks of a text share both. May block on the highlighting process."""
    return convert(source, references, budget or HighlightBudget())[0]


def render_tail(source: str, references: References) -> Tail:
    """Renders the unfinished end: closes what is open, holds back what is undecided."""
    found, kind = convert(source, references.copy(), None, live=True)
    return Tail(found, kind)


def plain_text(text: str, limit: int) -> str:
    """Returns the beginning of a text without its marks, for titles and excerpts."""
    beginning = text[: limit * 4]
    shown = "\n".join(blocks_of(text, None)) if beginning == text else render_tail(beginning, References()).html
    words = " ".join(html.unescape(NOT_TEXT.sub(" ", shown)).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def blocks_of(text: str, budget: HighlightBudget | None) -> list[str]:
    sources = segments(text)
    references = definitions(sources)
    return [convert(source, references, budget)[0] for source in sources]


def definitions(sources: list[str]) -> References:
    references = References()
    for source in sources:
        if "]:" in source:
            define(read_blocks(without_placeholders(source)), references)
    return references


def convert(
    source: str, references: References, budget: HighlightBudget | None, *, live: bool = False
) -> tuple[str, Kind | None]:
    """Returns HTML and the kind of the last block; adds definitions to ``references``."""
    if len(source) > BLOCK_LIMIT and not FENCE.match(source):
        return as_text(source), None
    try:
        return renderer().convert(source, references, budget, live=live)
    except Exception:  # nothing that a model writes may break a page or a worker
        logger.exception("a block of %d characters could not be rendered", len(source))
        del _of_thread.renderer  # its state may be inconsistent
        return as_text(source), None


def as_text(source: str) -> str:
    return f'<pre class="plain" dir="auto">{html.escape(without_placeholders(source), quote=False)}</pre>'


class ChatMarkdown(Extension):
    """Replaces the block parser by our block reader, and patterns that must take bounded time by ours."""

    def extendMarkdown(self, md: Markdown) -> None:
        self.sources: dict[etree.Element, str] = {}  # element → its source text
        md.registerExtension(self)
        md.parser = BlockTree(md)
        for name in ("normalize_whitespace", "html_block"):
            md.preprocessors.deregister(name)
        md.preprocessors.register(CleanText(md), "clean", 100)
        register_patterns(md, self.sources)
        # After the patterns, before Python-Markdown adds line ends.
        md.treeprocessors.register(LineBreaks(md), "line_breaks", 15)

    def reset(self) -> None:
        self.sources.clear()


class Renderer:
    """One per thread: Markdown instances keep state while they convert, and are expensive to make."""

    def __init__(self) -> None:
        self.markdown = Markdown(extensions=[ChatMarkdown()], output_format="html")
        parser = self.markdown.parser
        assert isinstance(parser, BlockTree)
        self.tree = parser

    def convert(
        self, source: str, references: References, budget: HighlightBudget | None, *, live: bool
    ) -> tuple[str, Kind | None]:
        self.markdown.references = {}  # ``reset`` would empty the previous caller's
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
