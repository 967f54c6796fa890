"""No text ends the renderer or holds it up. measure.py has the figures; here is only a net against hangs."""

import re
from time import process_time

import pytest

from conversations.rendering import References, Segmenter, render, render_block, render_tail
from conversations.rendering.blocks import BlockReader, read_blocks

from .bombs import bombs, deep_list, fences_in_markdown, grown, nested_emphasis, table_with_empty_rows

BOMBS = dict(bombs())
HANGS = 20.0  # seconds of processor time; the slowest takes a tenth of one


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_rendered_without_harm(name: str) -> None:
    begun = process_time()

    for size in (100, 7_900, 20_000):  # the second just below the limit of a paragraph
        text = BOMBS[name](size)
        render(text).encode()
        render_tail(text, References()).html.encode()

    assert process_time() - begun < HANGS


def test_classic_bombs_of_100_kilobytes_are_rendered_without_harm() -> None:
    begun = process_time()

    for piece in ("[", "*", ">", "<", "![", "`", "<![CDATA[", "1. ", "$", "&", "_a", "x", "|a"):
        render(grown(piece, 100_000)).encode()

    assert process_time() - begun < HANGS


def test_containers_stop_nesting() -> None:
    html = render("> " * 1_000 + "a")

    assert html.count("<blockquote") < 30
    assert "&gt; &gt; a" in html


def test_lists_stop_nesting() -> None:
    assert render(deep_list(10_000)).count("<ul>") < 30


def test_emphasis_that_nests_too_deep_is_shown_as_it_is() -> None:
    assert "*a **b *a **b" in re.sub(r"<[^>]*>", "", render(nested_emphasis(14_000)))


def test_a_few_characters_ask_for_no_million_cells() -> None:
    table = read_blocks(table_with_empty_rows(30_000)).children[0]

    assert sum(map(len, table.rows)) < 30_000


def test_a_few_characters_ask_for_no_megabytes_of_a_long_address() -> None:
    html = render(f"[a]: http://{'x' * 20_000}\n\n" + "[a] [a]\n\n" * 1_000)

    assert 0 < html.count("<a ") < 20


def test_usual_references_never_come_to_an_end() -> None:
    assert render("[a]: https://a.example/b\n\n" + "[a] [a]\n\n" * 1_000).count("<a ") == 2_000


def test_a_row_of_very_many_dashes_makes_no_table() -> None:
    assert "<table" not in render("|a" * 200 + "|\n" + "|-" * 200 + "|\n")


def test_a_very_long_block_is_shown_as_it_is() -> None:
    text = "- **a** <b>\n" * 5_000

    assert render(text) == f'<pre class="plain" dir="auto">{text.replace("<", "&lt;").replace(">", "&gt;")}</pre>'


def test_a_very_long_line_is_shown_as_it_is() -> None:
    assert render("**a** " * 2_000) == f'<p dir="auto">{("**a** " * 2_000).strip()}</p>'


def test_one_long_cell_does_not_spoil_its_table() -> None:
    html = render(f"| a | b |\n|---|---|\n| {'*x ' * 4_000} | **c** |\n")

    assert "<strong>c</strong>" in html
    assert "*x *x" in html


def test_a_long_answer_is_read_once() -> None:
    """Counts what the reader does: each line goes in once, however small the pieces are."""
    text = "".join(f"Paragraph {number} with *words*.\n\n- a\n- b\n\n" for number in range(200))
    lines: list[str] = []

    class CountingReader(BlockReader):
        def line(self, text: str) -> None:
            lines.append(text)
            super().line(text)

    segmenter = Segmenter()
    segmenter._reader = CountingReader()
    for char in text:
        segmenter.feed(char)

    assert len(lines) == text.count("\n")


def test_a_line_costs_the_same_however_many_fences_are_open_before_it() -> None:
    begun = process_time()

    Segmenter().feed(fences_in_markdown(1_000_000))

    assert process_time() - begun < HANGS


def test_what_stumbles_over_one_text_does_not_stumble_over_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> str:
        raise RecursionError(text)

    with monkeypatch.context() as patched:
        patched.setattr("conversations.rendering.renderer.sanitise", fail)
        assert render_block("**a** <b>", References()) == '<pre class="plain" dir="auto">**a** &lt;b&gt;</pre>'

    assert render_block("**a**", References()) == '<p dir="auto"><strong>a</strong></p>'


@pytest.mark.parametrize("language", ["java", "cpp", "autohotkey", "mcschema", "python", "html"])
@pytest.mark.parametrize("piece", ["\n", "<!--", "(", "\n x", '"'])
def test_colours_that_would_take_long_are_left_out(language: str, piece: str) -> None:
    begun = process_time()

    html = render(f"```{language}\n{grown(piece, 15_000)}x\n```\n")

    assert "code__bar" in html
    assert process_time() - begun < HANGS
