"""Builds a tree of elements from the tree of blocks; Python-Markdown then parses their inline text."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as etree
from collections.abc import Callable, Sequence

from markdown import Markdown, util
from markdown.blockparser import BlockParser

from .blocks import Block, Kind, read_blocks
from .highlighting import HighlightBudget, highlight
from .inline import References, normalised_label, without_marks
from .limits import is_readable
from .mathematics import mathml
from .tail import read_tail

TASK = re.compile(r"\[([ xX])\](?=[ \t\n])[ \t]*")
AUTO = {"dir": "auto"}
TABLE = {"class": "table", "role": "region", "tabindex": "0"}
LABEL_LENGTH = 80  # characters of a table's name
LANGUAGE_LENGTH = 40
MARKS = re.compile(r"[*_`~$\\\[\]<>]+")

Builder = Callable[[Block, etree.Element, bool], None]


class BlockTree(BlockParser):
    """Has a method per kind of block. ``tight``: in a list without blank lines, where text needs no paragraph."""

    def __init__(self, md: Markdown):
        super().__init__(md)
        self.live = False  # whether the text is the unfinished end of an answer
        self.budget: HighlightBudget | None = None  # None: code stays plain
        self.kind: Kind | None = None  # of the last top-level block
        self.builders: dict[Kind, Builder] = {
            Kind.QUOTE: self._quote,
            Kind.LIST: self._list,
            Kind.NOTE: self._note,
            Kind.PARAGRAPH: self._paragraph,
            Kind.HEADING: self._heading,
            Kind.RULE: self._rule,
            Kind.FENCE: self._fence,
            Kind.CODE: self._code,
            Kind.TABLE: self._table,
            Kind.MATH: self._math,
            Kind.HIDDEN: self._hidden,
        }

    def begin(self, budget: HighlightBudget | None, *, live: bool) -> None:
        self.live = live
        self.budget = budget
        self.kind = None

    def parseDocument(self, lines: list[str]) -> etree.ElementTree:  # type: ignore[override]
        self.root = etree.Element(self.md.doc_tag)
        text = "\n".join(lines)
        tree = read_tail(text) if self.live else read_blocks(text)
        self.kind = tree.children[-1].kind if tree.children else None
        assert isinstance(self.md.references, References)
        define(tree, self.md.references)
        self._build_children(tree, self.root)
        return etree.ElementTree(self.root)

    def _build_children(self, block: Block, parent: etree.Element, tight: bool = False) -> None:
        for child in block.children:
            self.builders[child.kind](child, parent, tight)

    def _stash(self, parent: etree.Element, html: str) -> None:
        """Adds finished HTML."""
        etree.SubElement(parent, "p").text = util.AtomicString(self.md.htmlStash.store(html))

    # Leaves

    def _paragraph(self, block: Block, parent: etree.Element, tight: bool) -> None:
        text = readable(block.text.rstrip())
        if not text:
            return
        if not tight:
            etree.SubElement(parent, "p", AUTO).text = text
        elif len(parent):
            parent[-1].tail = type(text)("\n" + text)
        else:
            parent.text = text

    def _heading(self, block: Block, parent: etree.Element, tight: bool) -> None:
        etree.SubElement(parent, f"h{block.level}", AUTO).text = readable(block.text.strip())

    def _rule(self, block: Block, parent: etree.Element, tight: bool) -> None:
        etree.SubElement(parent, "hr")

    def _hidden(self, block: Block, parent: etree.Element, tight: bool) -> None:
        """Builds nothing."""

    def _code(self, block: Block, parent: etree.Element, tight: bool) -> None:
        lines = list(block.lines)
        while lines and not lines[-1].strip():
            lines.pop()
        self._stash(parent, code_block("\n".join(lines), "", None))

    def _fence(self, block: Block, parent: etree.Element, tight: bool) -> None:
        self._stash(parent, code_block(block.text, without_marks(block.label), self.budget))

    def _math(self, block: Block, parent: etree.Element, tight: bool) -> None:
        html = mathml(block.text[2:-2].strip(), display=True)  # without $$ or \[ and \]
        self._stash(parent, f'<div class="math" dir="ltr">{html}</div>')

    def _table(self, block: Block, parent: etree.Element, tight: bool) -> None:
        head, *rows = block.rows
        table = etree.SubElement(etree.SubElement(parent, "div", TABLE | {"aria-label": table_label(head)}), "table")
        self._row(etree.SubElement(table, "thead"), "th", head, block.aligns)
        if rows:
            body = etree.SubElement(table, "tbody")
            for row in rows:
                self._row(body, "td", row, block.aligns)

    def _row(self, parent: etree.Element, tag: str, cells: list[str], aligns: Sequence[str | None]) -> None:
        row = etree.SubElement(parent, "tr")
        for text, align in zip(cells, aligns, strict=False):
            etree.SubElement(row, tag, AUTO | ({"align": align} if align else {})).text = readable(text)

    # Containers

    def _quote(self, block: Block, parent: etree.Element, tight: bool) -> None:
        self._build_children(block, etree.SubElement(parent, "blockquote", AUTO))

    def _note(self, block: Block, parent: etree.Element, tight: bool) -> None:
        note = etree.SubElement(parent, "div", AUTO | {"class": "footnote-def"})
        self._build_children(block, note)
        mark = etree.Element("sup")
        mark.text = util.AtomicString(block.label)
        if not len(note) or note[0].tag != "p" or "dir" not in note[0].attrib:
            note.insert(0, etree.Element("p", AUTO))
        insert_first(note[0], mark)

    def _list(self, block: Block, parent: etree.Element, tight: bool) -> None:
        number = int(block.label or 1)
        element = etree.SubElement(parent, "ol" if block.label else "ul", {} if number == 1 else {"start": str(number)})
        for item in block.children:
            li = etree.SubElement(element, "li", dict(AUTO))
            box = take_task_box(item)
            self._build_children(item, li, not block.loose)
            if box is not None:
                li.set("class", "task")
                insert_first(li[0] if len(li) and li[0].tag == "p" and block.loose else li, box)


def code_block(source: str, info: str, budget: HighlightBudget | None) -> str:
    """Returns a bar with the language and a copy button, and the code, plain without a budget.

    ``info`` is the text after the opening fence; its first word names the language. Highlighted code has Pygments'
    short classes.
    """
    language = re.split(r"[\s{,:]", info, maxsplit=1)[0].lower()[:LANGUAGE_LENGTH]
    name = html.escape(language or "text")
    coloured = highlight(source + "\n", language, budget) if budget else None
    body = coloured or html.escape(source, quote=False) + "\n"
    return (
        '<div class="code" dir="ltr"><div class="code__bar">'
        f'<span class="code__language">{name}</span>'
        '<button type="button" class="code__copy" data-copy-code="">Copy</button></div>'
        f'<pre tabindex="0"><code class="language-{name}">{body}</code></pre></div>'
    )


def define(block: Block, references: References) -> None:
    """Adds the block's link reference definitions to ``references``; the first of a name counts."""
    for label, target, title in block.definitions:
        address = target[1:-1] if target.startswith("<") else target
        found = (without_marks(address), without_marks(title[1:-1]) if title else "")
        references.setdefault(normalised_label(label), found)
    for child in block.children:
        define(child, references)


def readable(text: str) -> str:
    """Returns the text, marked as not to be parsed if that would take too long."""
    return text if is_readable(text) else util.AtomicString(text)


def table_label(head: list[str]) -> str:
    """Returns a name by which assistive technology tells one table from another."""
    names = ", ".join(name for cell in head if (name := MARKS.sub("", cell).strip()))
    return f"Table: {names}"[:LABEL_LENGTH] if names else "Table"


def take_task_box(item: Block) -> etree.Element | None:
    """Removes a task's mark from the item's text and returns its check box; None if the item is not a task."""
    first = item.children[0] if item.children else None
    if first is None or first.kind != Kind.PARAGRAPH:
        return None
    match = TASK.match(first.text + "\n")
    if not match or len(first.text) <= 3:
        return None
    first.lines[0] = first.lines[0][match.end() :]
    is_done = match.group(1) != " "
    label = "Done" if is_done else "To do"
    box = etree.Element("input", {"type": "checkbox", "disabled": "disabled", "aria-label": label})
    if is_done:
        box.set("checked", "checked")
    return box


def insert_first(parent: etree.Element, child: etree.Element) -> None:
    """Inserts the child before the parent's text."""
    text = parent.text or ""
    child.tail = type(text)(" " + text)
    parent.text = None
    parent.insert(0, child)
