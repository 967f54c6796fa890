"""All of our configuration of Python-Markdown, as an extension."""

from __future__ import annotations

import xml.etree.ElementTree as etree

from markdown import Extension, Markdown

from .inline import CleanText, LineBreaks, register_patterns
from .tree import BlockTree


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
