"""However the text is cut, the finished blocks and the tail are the whole."""

from hypothesis import given, settings

from conversations.rendering import References, Segmenter, render_block, render_blocks, render_tail
from conversations.rendering.renderer import definitions
from conversations.rendering.segmenter import segments

from .fuzz import cuts, pieces, texts

often = settings(max_examples=300, deadline=None, derandomize=True)


@often
@given(texts, cuts)
def test_a_finished_block_never_changes_wherever_the_text_is_cut(text: str, points: list[int]) -> None:
    whole = segments(text)
    segmenter = Segmenter()
    done: list[str] = []

    for piece in pieces(text, points):
        done += segmenter.feed(piece)
        assert done == whole[: len(done)]

    assert done + segmenter.finish() == whole


@often
@given(texts, cuts)
def test_the_tail_is_what_is_in_no_finished_block(text: str, points: list[int]) -> None:
    segmenter = Segmenter()

    fed = ""
    for piece in pieces(text, points):
        segmenter.feed(piece)
        fed += piece
        rest = fed[segmenter.tail_start :].replace("\r\n", "\n").replace("\r", "\n")
        assert segmenter.tail.replace("\r", "\n") == rest


@often
@given(texts)
def test_blocks_rendered_alone_are_the_whole(text: str) -> None:
    references = definitions(segments(text))

    alone = [render_block(source, references) for source in segments(text)]

    assert alone == render_blocks(text)


@often
@given(texts, cuts)
def test_any_beginning_of_an_answer_can_be_shown(text: str, points: list[int]) -> None:
    segmenter = Segmenter()
    references: References = {}

    for piece in pieces(text, points):
        for source in segmenter.feed(piece):
            render_block(source, references)
        tail = render_tail(segmenter.tail, references)
        assert "\x02" not in tail.html
