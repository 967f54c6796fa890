"""What a page claims to have costs no more than what is there, whatever it claims."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.models.chat.message import PartKind
from streaming.chat.page_socket import Window
from streaming.live.answer import FinishedAnswer, LiveAnswer
from streaming.live.viewer import Viewer
from streaming.log.records import Claimed, Text
from streaming.protocol import MOST, AnswerFinished, AnyEvent, PartRestarted, Seen, TextDelta, encode

TEXT = "A first block.\n\nA second block.\n\nAnd the open end"
BLOCKS = [f'<p dir="auto">{text}</p>' for text in TEXT.split("\n\n")]
COUNTS = st.one_of(st.integers(0, 60), st.integers(0, MOST), st.just(50_000_000))
CLAIMS = st.dictionaries(st.sampled_from(["0.text", "0.thinking", "63.text"]), st.builds(Seen, COUNTS, COUNTS))
POSITIONS = st.one_of(st.text(max_size=41), st.just("1-2"), st.just("9" * 20 + "-" + "9" * 20))


def answer(*, is_finished: bool) -> LiveAnswer:
    live = LiveAnswer(uuid4())
    live.fold([("1-0", Claimed(1, "worker")), ("1-1", Text(0, PartKind.TEXT, 0, TEXT, 12))])
    (part,) = live.parts.values()
    while part.has_unread:
        part.add_blocks(part.render_finished(part.read_on()))
    if is_finished:
        live.finished = FinishedAnswer("done", "", {"0.text": BLOCKS})
    return live


def told(live: LiveAnswer, position: str, seen: dict[str, Seen]) -> list[AnyEvent]:
    return list(Viewer(live, position, seen).missing_events())


def size(events: list[AnyEvent]) -> int:
    return sum(len(encode(event)) for event in events)


@given(POSITIONS, CLAIMS, st.booleans())
def test_no_claim_costs_more_than_to_begin_anew(position: str, seen: dict[str, Seen], is_finished: bool) -> None:
    live = answer(is_finished=is_finished)

    assert size(told(live, position, seen)) <= size(told(live, "", {})) + 200  # to drop a part


def test_a_page_with_more_blocks_than_there_are_begins_anew() -> None:
    live = answer(is_finished=True)

    events = told(live, "1-1", {"0.text": Seen(len(TEXT), len(TEXT))})

    assert [type(event) for event in events][-3:] == [PartRestarted, TextDelta, AnswerFinished]
    assert events[-1].html == {"0.text": {str(number): html for number, html in enumerate(BLOCKS)}}  # type: ignore[union-attr]


def test_a_page_with_more_blocks_than_characters_begins_anew() -> None:
    events = told(answer(is_finished=False), "1-1", {"0.text": Seen(5, 50_000_000)})

    assert any(isinstance(event, PartRestarted) for event in events)


def test_an_honest_page_keeps_what_it_has() -> None:
    events = told(answer(is_finished=True), "1-1", {"0.text": Seen(len(TEXT), 2)})

    assert [event for event in events if isinstance(event, PartRestarted | TextDelta)] == []
    assert events[-1].html == {"0.text": {"2": BLOCKS[2]}}  # type: ignore[union-attr]


@pytest.mark.parametrize("frames", [0, -1, 3, MOST])
def test_an_acknowledgement_of_what_was_not_sent_changes_nothing(frames: int) -> None:
    window = Window()
    window.sent(10)
    window.sent(10)

    window.acknowledged(frames)
    assert window.is_new(2)

    window.acknowledged(2)
    assert not window.is_new(2)
