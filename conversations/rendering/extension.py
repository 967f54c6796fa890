"""Python-Markdown with CommonMark's block structure: an extension that replaces its block parser."""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree
from typing import Any

from markdown import Extension, Markdown, util
from markdown.blockparser import BlockParser
from markdown.inlinepatterns import IMAGE_LINK_RE, LINK_RE, AutomailInlineProcessor, SubstituteTagInlineProcessor

from .blocks import Block, read_blocks
from .code import code_block
from .inline import (
    ALLOWED_TAG,
    EMAIL,
    FOOTNOTE,
    HARD_BREAK,
    MATH,
    AllowedTag,
    CleanText,
    FootnoteReference,
    ImageAsLink,
    InlineMath,
    Link,
)
from .mathematics import mathml
from .tail import read_tail

TASK = re.compile(r"\[([ xX])\](?=[ \t\n])[ \t]*")
AUTO = {"dir": "auto"}


class BlockTree(BlockParser):
    """Builds the element tree from the block tree: a method per kind of block."""

    live = False  # the text is the unfinished end of an answer
    kind: str | None = None  # of the last top-level block that was read

    def parseDocument(self, lines: Any) -> Any:
        self.root = etree.Element(self.md.doc_tag)
        text = "\n".join(lines)
        tree = read_tail(text)[0] if self.live else read_blocks(text)
        self.kind = tree.children[-1].kind if tree.children else None
        self._define(tree)
        for block in tree.children:
            self._build(block, self.root)
        return etree.ElementTree(self.root)

    def _define(self, block: Block) -> None:
        """Take link reference definitions; the first of a name counts."""
        if block.kind in ("para", "head") and block.c:
            for label, target, title in block.c:
                label = " ".join(label.split()).lower()
                target = target[1:-1] if target.startswith("<") else target
                self.md.references.setdefault(label, (target, title[1:-1] if title else None))
        for child in block.children:
            self._define(child)

    def _build(self, block: Block, parent: etree.Element, tight: bool = False) -> None:
        getattr(self, "_" + block.kind)(block, parent, tight)

    def _build_children(self, block: Block, parent: etree.Element, tight: bool = False) -> None:
        for child in block.children:
            self._build(child, parent, tight)

    def _stash(self, parent: etree.Element, html: str) -> None:
        etree.SubElement(parent, "p").text = util.AtomicString(self.md.htmlStash.store(html))

    # Leaves

    def _para(self, block: Block, parent: etree.Element, tight: bool) -> None:
        text = "\n".join(block.lines).rstrip()
        if not text:
            return
        if not tight:
            etree.SubElement(parent, "p", AUTO).text = text
        elif len(parent):
            parent[-1].tail = "\n" + text
        else:
            parent.text = text

    def _head(self, block: Block, parent: etree.Element, tight: bool) -> None:
        etree.SubElement(parent, f"h{block.a}", AUTO).text = "\n".join(block.lines).strip()

    def _rule(self, block: Block, parent: etree.Element, tight: bool) -> None:
        etree.SubElement(parent, "hr")

    def _hidden(self, block: Block, parent: etree.Element, tight: bool) -> None:
        """What is not shown yet, because one cannot say how."""

    def _code(self, block: Block, parent: etree.Element, tight: bool) -> None:
        lines = list(block.lines)
        while lines and not lines[-1].strip():
            lines.pop()
        self._stash(parent, code_block("\n".join(lines), ""))

    def _fence(self, block: Block, parent: etree.Element, tight: bool) -> None:
        self._stash(parent, code_block("\n".join(block.lines), block.c, coloured=not self.live))

    def _math(self, block: Block, parent: etree.Element, tight: bool) -> None:
        tex = "\n".join(block.lines)
        for mark in ("$$", "\\[", "\\]"):
            tex = tex.removeprefix(mark).removesuffix(mark)
        html = mathml(tex.strip(), display=True)
        self._stash(parent, f'<div class="math" dir="ltr">{html}</div>')

    def _table(self, block: Block, parent: etree.Element, tight: bool) -> None:
        region = {"class": "table", "role": "region", "aria-label": "Table", "tabindex": "0"}
        table = etree.SubElement(etree.SubElement(parent, "div", region), "table")
        head, *rows = block.lines
        self._row(etree.SubElement(table, "thead"), "th", head, block.a)
        body = etree.SubElement(table, "tbody") if rows else None
        for row in rows:
            assert body is not None
            self._row(body, "td", row, block.a)

    def _row(self, parent: etree.Element, tag: str, cells: list[str], aligns: list[str | None]) -> None:
        row = etree.SubElement(parent, "tr")
        for text, align in zip(cells, aligns, strict=False):
            etree.SubElement(row, tag, AUTO | ({"align": align} if align else {})).text = text

    # Containers

    def _quote(self, block: Block, parent: etree.Element, tight: bool) -> None:
        self._build_children(block, etree.SubElement(parent, "blockquote", AUTO))

    def _note(self, block: Block, parent: etree.Element, tight: bool) -> None:
        note = etree.SubElement(parent, "div", AUTO | {"class": "footnote-def"})
        self._build_children(block, note)
        mark = etree.Element("sup")
        mark.text = util.AtomicString(block.b)
        if not len(note) or note[0].tag != "p":
            note.insert(0, etree.Element("p"))
        insert_first(note[0], mark)

    def _list(self, block: Block, parent: etree.Element, tight: bool) -> None:
        attributes = {"start": str(int(block.b))} if block.b is not None and int(block.b) != 1 else {}
        element = etree.SubElement(parent, "ul" if block.b is None else "ol", attributes)
        for item in block.children:
            li = etree.SubElement(element, "li", dict(AUTO))
            box = take_task_box(item)
            self._build_children(item, li, not block.c)
            if box is not None:
                li.set("class", "task")
                insert_first(li[0] if len(li) and li[0].tag == "p" else li, box)


def take_task_box(item: Block) -> etree.Element | None:
    """The check box of a task, whose mark is removed from the item's text; None if it is no task."""
    first = item.children[0] if item.children else None
    if first is None or first.kind != "para" or not first.lines:
        return None
    text = "\n".join(first.lines)
    match = TASK.match(text + "\n")
    if not match or len(text) <= 3:
        return None
    first.lines[0] = first.lines[0][match.end() :]
    box = etree.Element("input", {"type": "checkbox", "disabled": "disabled"})
    if match.group(1) != " ":
        box.set("checked", "checked")
    return box


def insert_first(parent: etree.Element, child: etree.Element) -> None:
    """Put the child before the parent's text."""
    child.tail = " " + (parent.text or "")
    parent.text = None
    parent.insert(0, child)


class ChatMarkdown(Extension):
    """All of our configuration."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.registerExtension(self)
        md.parser = BlockTree(md)
        for name in ("normalize_whitespace", "html_block"):
            md.preprocessors.deregister(name)
        md.preprocessors.register(CleanText(md), "clean", 100)
        md.ESCAPED_CHARS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
        md.delimiters.add("~", "del", double=True)  # type: ignore[attr-defined]
        patterns = md.inlinePatterns
        patterns.deregister("html")
        patterns.register(InlineMath(MATH, md), "math", 189)
        patterns.register(SubstituteTagInlineProcessor(HARD_BREAK, "br"), "linebreak", 185)
        patterns.register(FootnoteReference(FOOTNOTE, md), "footnote", 175)
        patterns.register(Link(LINK_RE, md), "link", 160)
        patterns.register(ImageAsLink(IMAGE_LINK_RE, md), "image_link", 150)
        patterns.register(AutomailInlineProcessor(EMAIL, md), "automail", 110)
        patterns.register(AllowedTag(ALLOWED_TAG, md), "allowed_tag", 90)

    def reset(self) -> None:
        """Nothing is kept between texts."""
