"""However the text is cut, the finished blocks and the tail are the whole."""

from hypothesis import given, settings

from conversations.rendering import References, Segmenter, render, render_block, render_blocks, render_tail
from conversations.rendering.renderer import definitions
from conversations.rendering.segmenter import segments

from .fuzz import cuts, pieces, texts


def with_one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=300)
@given(texts, cuts)
def test_a_finished_block_never_changes_wherever_the_text_is_cut(text: str, points: list[int]) -> None:
    whole = segments(text)
    segmenter = Segmenter()
    done: list[str] = []

    for piece in pieces(text, points):
        done += segmenter.feed(piece)
        assert done == whole[: len(done)]

    assert done + segmenter.finish() == whole


@settings(max_examples=300)
@given(texts, cuts)
def test_the_tail_is_what_is_in_no_finished_block(text: str, points: list[int]) -> None:
    segmenter = Segmenter()
    fed = ""

    for piece in pieces(text, points):
        segmenter.feed(piece)
        fed += piece

        assert with_one_line_end(segmenter.tail) == with_one_line_end(fed[segmenter.tail_start :])


@settings(max_examples=150)
@given(texts, cuts)
def test_nothing_of_the_text_is_lost_between_blocks(text: str, points: list[int]) -> None:
    segmenter = Segmenter()

    done = [source for piece in pieces(text, points) for source in segmenter.feed(piece)] + segmenter.finish()

    # Blank lines stand between blocks, and a table takes its head from the line before: nothing else is between them.
    assert "".join("".join(done).split()) == "".join(text.split())
    assert segmenter.tail_start == len(text)


@settings(max_examples=200)
@given(texts)
def test_blocks_rendered_alone_are_the_whole(text: str) -> None:
    references = definitions(segments(text))

    alone = [render_block(source, references) for source in segments(text)]

    assert alone == render_blocks(text)
    assert render(text) == "\n".join(html for html in alone if html)


@settings(max_examples=200)
@given(texts, cuts)
def test_any_beginning_is_its_finished_blocks_and_its_tail(text: str, points: list[int]) -> None:
    beginning = pieces(text, points)[0].removesuffix("\r") if text else ""
    segmenter = Segmenter()

    done = segmenter.feed(beginning)

    references = definitions(segments(beginning))
    parts = [render_block(source, references) for source in [*done, *segments(segmenter.tail)]]
    assert "\n".join(part for part in parts if part) == render(beginning)


@settings(max_examples=200)
@given(texts, cuts)
def test_any_beginning_of_an_answer_can_be_shown(text: str, points: list[int]) -> None:
    segmenter = Segmenter()
    references = References()

    for piece in pieces(text, points):
        for source in segmenter.feed(piece):
            render_block(source, references)
        tail = render_tail(segmenter.tail, references)

        assert "\x02" not in tail.html
        tail.html.encode()  # whatever came in can be sent


def test_a_line_feed_that_comes_after_its_carriage_return_is_no_second_line_end() -> None:
    segmenter = Segmenter()

    done = segmenter.feed("a\r") + segmenter.feed("\nb\r\n\r") + segmenter.feed("\n")

    assert done == ["a\nb\n"]
    assert segmenter.tail_start == len("a\r\nb\r\n\r\n")


def test_characters_are_counted_as_they_were_fed() -> None:
    segmenter = Segmenter()

    segmenter.feed("😀 é\r\n\r\n\r\nnext")

    assert segmenter.tail == "next"
    assert segmenter.tail_start == len("😀 é\r\n\r\n\r\n")


def test_a_late_definition_changes_what_is_finished_only_at_the_end() -> None:
    segmenter = Segmenter()
    references = References()

    early = [render_block(source, references) for source in segmenter.feed("See [it].\n\n[it]: https://a.example\n\n")]

    assert "<a" not in early[0]
    assert "<a" in render_blocks("See [it].\n\n[it]: https://a.example\n\n")[0]


def test_a_definition_counts_for_the_blocks_that_follow() -> None:
    references = References()

    render_block("[it]: https://a.example\n", references)

    assert 'href="https://a.example"' in render_block("See [it].\n", references)
    assert 'href="https://a.example"' in render_tail("See [it] as", references).html
