"""What a reader sees is what GitHub's renderer or markdown-it-py would show, in nearly all cases."""

import json

import pytest

from conversations.rendering import render

from .fuzz import DATA
from .trees import tree_of

# Emphasis that we find beside CJK and other punctuation, where the letter of the specification does not.
KNOWN_DIFFERENCES = {"bold-paren", "cjk-bold", "answer-chinese"}


@pytest.mark.parametrize("name", ["corpus", "own"])
def test_what_models_write_looks_as_it_should(name: str) -> None:
    snippets = json.loads((DATA / f"{name}.json").read_text())
    accepted = json.loads((DATA / f"{name}.accepted.json").read_text())

    differing = {
        snippet["name"] for snippet in snippets if tree_of(render(snippet["text"])) not in accepted[snippet["name"]]
    }

    assert differing <= KNOWN_DIFFERENCES
    assert len(differing) <= len(snippets) * 0.02


def test_most_examples_of_commonmark_without_raw_html_are_met() -> None:
    examples = json.loads((DATA / "commonmark.json").read_text())

    met = sum(tree_of(render(example["markdown"])) == example["tree"] for example in examples)

    assert met >= len(examples) * 0.96
