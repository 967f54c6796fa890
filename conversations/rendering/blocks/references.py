"""Link reference definitions, which begin a paragraph and are removed from it."""

from __future__ import annotations

import re

from .block import Block, Definition

# The label's maximum length is the specification's; without it, unclosed brackets would cost quadratic time.
HEAD = re.compile(
    r"[ ]{0,3}\[(?!\^)((?:[^\[\]\\]|\\.){1,999}+)\]:[ \t]*+\n?[ \t]*+(<(?:[^<>\n\\]|\\.)*+>|[^\s<]\S*+)", re.DOTALL
)
TITLE = re.compile(
    r"""(?:[ \t]++\n?|\n)[ \t]*+("(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\))[ \t]*+(?:\n|$)""",
    re.DOTALL,
)
END = re.compile(r"[ \t]*+(?:\n|$)")


def take_definitions(block: Block) -> bool:
    """Moves the definitions at the paragraph's beginning to ``definitions``; False if no text is left."""
    if not block.lines or not block.lines[0].startswith("["):
        return bool(block.lines)
    found, end = definitions_in(block.text)
    rest = block.text[end:]
    block.definitions = [*block.definitions, *found]
    block.lines = rest.split("\n") if rest.strip() else []
    return bool(block.lines)


def definitions_in(text: str) -> tuple[list[Definition], int]:
    """Returns the definitions that the text begins with, and the index after them."""
    found: list[Definition] = []
    position = 0
    while (head := HEAD.match(text, position)) and head.group(1).strip():
        title = TITLE.match(text, head.end())
        end = title or END.match(text, head.end())
        if not end:
            break
        found.append(Definition(head.group(1), head.group(2), title.group(1) if title else None))
        position = end.end()
    return found, position
