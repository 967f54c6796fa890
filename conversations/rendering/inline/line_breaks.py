"""A line end inside a paragraph is a line break: models that end a line mean it."""

from __future__ import annotations

import xml.etree.ElementTree as etree

from markdown.treeprocessors import Treeprocessor

VERBATIM = {"code", "pre"}
BLOCKS = {
    "ul",
    "ol",
    "p",
    "pre",
    "blockquote",
    "div",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
}  # beside which the text of a list item may stand


class LineBreaks(Treeprocessor):
    def run(self, root: etree.Element) -> None:
        for element in list(root.iter()):
            if element.tag not in VERBATIM:
                break_lines(element)


def break_lines(element: etree.Element) -> None:
    """Of what it holds directly. Line ends beside blocks and other breaks are none of the text's."""
    for index, child in reversed(list(enumerate(element))):
        if child.tail and "\n" in child.tail:
            text = child.tail.lstrip("\n") if child.tag == "br" or is_block(child) else child.tail
            child.tail = insert_breaks(element, index + 1, text)
    if element.text and "\n" in element.text:
        element.text = insert_breaks(element, 0, element.text)


def insert_breaks(parent: etree.Element, index: int, text: str) -> str:
    """Put breaks and lines at this place, and return the first line, which stands before them."""
    if index == len(parent) or is_block(parent[index]):
        text = text.rstrip("\n")
    first, *lines = text.split("\n")
    for line in reversed(lines):
        element = etree.Element("br")
        element.tail = line
        parent.insert(index, element)
    return first


def is_block(element: etree.Element) -> bool:
    return element.tag in BLOCKS or "display" in element.attrib
