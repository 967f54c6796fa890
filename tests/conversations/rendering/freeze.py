"""Asks GitHub's renderer and markdown-it-py what snippets and examples should look like, and keeps their answers.

Needs what the tests do not: pip install cmarkgfm markdown-it-py. Run it after adding snippets, and read what changed:
    python -m tests.conversations.rendering.freeze [commonmark.json]
The examples of the CommonMark specification are in markdown-it-py's source archive.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import cmarkgfm
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt

from tests.harness.processes import ROOT

from .trees import Tree, alone_is_display, tree_of

DATA = ROOT / "tests" / "data" / "markdown"
OPTIONS = (
    Options.CMARK_OPT_UNSAFE
    | Options.CMARK_OPT_HARDBREAKS  # as we have it: a line end in a paragraph is a line break
    | Options.CMARK_OPT_FOOTNOTES
    | Options.CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE
)
EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
MATH = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<![\\$\w])\$(?=[^\s\d$])([^$\n]+?)(?<=\S)\$(?![\d\w])", re.DOTALL
)
OUR_TAGS = re.compile(r"&lt;(/?(?:sub|sup|kbd|mark|u|ins|small|b|i|br))&gt;")  # which we let through

commonmark = MarkdownIt("commonmark")
without_html = MarkdownIt("commonmark", {"html": False})
breaking_lines = MarkdownIt("commonmark", {"breaks": True})
like_github = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def main() -> None:
    for name in ("corpus", "own"):
        snippets = json.loads((DATA / f"{name}.json").read_text())
        write(f"{name}.accepted.json", {snippet["name"]: accepted(snippet) for snippet in snippets})
    if len(sys.argv) > 1:
        examples = json.loads(Path(sys.argv[1]).read_text())
        write("commonmark.json", [kept(example) for example in examples if not has_raw_html(example["markdown"])])


def accepted(snippet: dict[str, Any]) -> list[Tree]:
    """What the oracles make of it. A snippet may bring its own HTML where we differ from them on purpose."""
    if "html" in snippet:
        return [tree_of(snippet["html"])]
    text: str = snippet["text"]
    formulas: list[str] = []
    if "intent" in snippet["flags"]:  # bold that the letter of the rules would not see beside CJK characters
        text = re.sub(r"\*\*([^*\n]+)\*\*", r"<strong>\1</strong>", text)
    if snippet["category"] == "math" or "math" in snippet["flags"] or snippet["name"] == "answer-math":
        text, formulas = protected(text)
    trees = [tree_of(cmarkgfm.markdown_to_html_with_extensions(text, OPTIONS, EXTENSIONS))]
    if "html" in snippet["flags"]:
        shown = like_github.render(text)
        trees += [tree_of(shown), tree_of(OUR_TAGS.sub(r"<\1>", shown))]
    return [restored(tree, formulas) for tree in trees]


def protected(text: str) -> tuple[str, list[str]]:
    """The oracles know no mathematics: a word stands for each formula."""
    formulas: list[str] = []

    def word(m: re.Match[str]) -> str:
        formulas.append(next(group for group in m.groups() if group is not None))
        return f"MATH{len(formulas) - 1}Z"

    return MATH.sub(word, text), formulas


def restored(nodes: Tree, formulas: list[str]) -> Tree:
    found: Tree = []
    for node in nodes:
        if isinstance(node, str):
            found += with_formulas(node, formulas)
        else:
            found += alone_is_display([node[0], node[1], *restored(node[2:], formulas)])
    return found


def with_formulas(text: str, formulas: list[str]) -> Tree:
    if not text:
        return [text]  # of an empty code block
    found: Tree = []
    for index, part in enumerate(re.split(r"MATH(\d+)Z", text)):
        if index % 2:
            found.append(["math", "", re.sub(r"\s+", "", formulas[int(part)])])
        elif part:
            found.append(part)
    return found


def has_raw_html(markdown: str) -> bool:
    return tree_of(commonmark.render(markdown)) != tree_of(without_html.render(markdown))


def kept(example: dict[str, Any]) -> dict[str, Any]:
    kept = {key: example[key] for key in ("example", "section", "markdown")}
    return kept | {"tree": tree_of(breaking_lines.render(example["markdown"]))}


def write(name: str, data: Any) -> None:
    (DATA / name).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
