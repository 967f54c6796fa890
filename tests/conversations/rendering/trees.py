"""The tree of some HTML: structure and text without classes, ids and insignificant blanks, to compare renderers.

Two renderers agree if a reader sees the same. What we do differently on purpose is made equal here: images are links,
code has a bar, tables stand in a box that scrolls.
"""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

# JSON's types, so that trees can be kept in files: text, or [tag, attributes, *children]
Tree = list["str | Tree"]

VOID = {"br", "hr", "img", "input"}
BLOCKS = {
    "p", "div", "ul", "ol", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "tr", "td",
    "th", "br", "display", "footnotes",
}  # fmt: skip
TRANSPARENT = {"span", "thead", "tbody", "body"}
SAME = {"s": "del"}


class TreeBuilder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("body", {})
        self.path = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.path[-1].children.append(element)
        if tag not in VOID:
            self.path.append(element)

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self.path) - 1, 0, -1):
            if self.path[index].tag == tag:
                del self.path[index:]
                return

    def handle_data(self, data: str) -> None:
        self.path[-1].children.append(data)


class Element:
    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[str | Element] = []

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def walk(self) -> "list[Element]":
        inside = [element for child in self.children if isinstance(child, Element) for element in child.walk()]
        return [self, *inside]


def parse(html: str) -> Element:
    builder = TreeBuilder()
    builder.feed(html)
    builder.close()
    return builder.root


def tree_of(html: str) -> Tree:
    """The footnotes come last, wherever they stand."""
    body = parse(html)
    notes: list[str] = []
    children = tidy(children_of(body, notes), block=True)
    return [*children, ["footnotes", "", *notes]] if notes else children


def children_of(element: Element, notes: list[str]) -> Tree:
    found: Tree = []
    for child in element.children:
        found += [child] if isinstance(child, str) else nodes_of(child, notes)
    return found


def nodes_of(element: Element, notes: list[str]) -> Tree:
    special = special_nodes(element, notes)
    if special is not None:
        return special
    children = children_of(element, notes)
    tag = SAME.get(element.tag, element.tag)
    if tag in TRANSPARENT:
        return children
    children = tidy(children, block=tag in BLOCKS)
    if tag == "p" and not children:
        return []
    if tag == "a":  # an image in a link
        children = [node for child in children for node in (child[2:] if is_link(child) else [child])]
    if tag == "strong" and len(children) == 1 and isinstance(children[0], list) and children[0][0] == "em":
        return [["em", "", ["strong", "", *children[0][2:]]]]  # looks the same
    return alone_is_display([tag, attributes_of(element), *children])


def alone_is_display(node: Tree) -> Tree:
    """Formulas that are all of a paragraph stand for themselves."""
    formulas = node[2:]
    if node[0] == "p" and formulas and all(isinstance(child, list) and child[0] == "math" for child in formulas):
        return [["display", "", child] for child in formulas]
    return [node]


def special_nodes(element: Element, notes: list[str]) -> Tree | None:
    """None if there is nothing special about it."""
    classes, tag = element.classes, element.tag
    if "math-source" in classes or tag == "math":
        return [["math", "", re.sub(r"\s+", "", element.attributes.get("title") or element.text())]]
    if tag == "div" and "math" in classes:
        return [["display", "", *children_of(element, notes)]]
    if tag == "div" and "code__bar" in classes:
        return []
    if tag == "div" and ("code" in classes or "table" in classes):
        return children_of(element, notes)
    if tag == "pre":
        return [["pre", "", element.text().strip("\n")]]
    if tag == "img":
        return [["a", address(element.attributes["src"]), element.attributes.get("alt") or element.attributes["src"]]]
    return footnote_nodes(element, notes)


def footnote_nodes(element: Element, notes: list[str]) -> Tree | None:
    classes = element.classes
    if element.tag == "sup" and ("footnote-ref" in classes):
        return [["sup", "", "note"]]
    if "footnote-def" in classes:
        notes.append(note_text(element).split(" ", 1)[-1])
        return []
    if element.tag == "section" and "footnotes" in classes:
        notes += [note_text(child) for child in element.walk() if child.tag == "li"]
        return []
    return None


def note_text(element: Element) -> str:
    return " ".join(element.text().replace("↩", "").replace("\ufe0e", "").split())


def attributes_of(element: Element) -> str:
    attributes = element.attributes
    match element.tag:
        case "a":
            return address(attributes.get("href", ""))
        case "ol":
            return attributes.get("start", "1")
        case "td" | "th":
            style = re.search(r"text-align:\s*(\w+)", attributes.get("style", ""))
            return style.group(1) if style else attributes.get("align", "")
        case "input":
            return "checked" if "checked" in attributes else ""
    return ""


def address(href: str) -> str:
    return re.sub(r"^https?://www\.", "http://www.", unquote(href))


def tidy(children: Tree, *, block: bool) -> Tree:
    """Join neighbouring texts, squash blanks, and drop those at the edges of blocks."""
    joined = joined_texts(children)
    edge: Tree = ["p" if block else ""]
    found: Tree = []
    for index, child in enumerate(joined):
        before = joined[index - 1] if index else edge
        after = joined[index + 1] if index + 1 < len(joined) else edge
        found.append(squashed(child, before, after) if isinstance(child, str) else child)
    return [child for child in found if child != ""]


def joined_texts(children: Tree) -> Tree:
    joined: Tree = []
    for child in children:
        if isinstance(child, str) and joined and isinstance(joined[-1], str):
            joined[-1] += child
        else:
            joined.append(child)
    return joined


def squashed(text: str, before: "str | Tree", after: "str | Tree") -> str:
    text = re.sub(r"[ \t\n\r\f]+", " ", text)
    if before[0] == "input":
        text = " " + text.lstrip(" ")  # one blank after a check box, whoever writes it
    if before[0] in BLOCKS:
        text = text.lstrip(" ")
    return text.rstrip(" ") if after[0] in BLOCKS else text


def is_link(node: "str | Tree") -> bool:
    return isinstance(node, list) and node[0] == "a"
