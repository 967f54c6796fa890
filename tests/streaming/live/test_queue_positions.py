"""The positions of queued answers, and what pages show of them."""

from __future__ import annotations

from uuid import uuid4

from streaming.coordination.answer_queue import QueuePosition
from streaming.live.answer import LiveAnswer
from streaming.live.viewer import Viewer
from streaming.log.records import Claimed, PhaseBegan
from streaming.protocol import Phase


def phases(viewer: Viewer) -> list[Phase]:
    return [event for event in viewer.missing_events() if isinstance(event, Phase)]


def test_a_page_is_told_of_each_position_once() -> None:
    viewer = Viewer(LiveAnswer(uuid4()), "", {})
    assert [(phase.phase, phase.ahead) for phase in phases(viewer)] == [("queued", None)]

    viewer.answer.queue_position = QueuePosition(2)
    assert [(phase.phase, phase.ahead, phase.held) for phase in phases(viewer)] == [("queued", 2, False)]
    assert phases(viewer) == []

    viewer.answer.queue_position = QueuePosition(2, is_held=True)
    assert [(phase.phase, phase.ahead, phase.held) for phase in phases(viewer)] == [("queued", 2, True)]
    assert phases(viewer) == []

    viewer.answer.fold([("1-0", Claimed(1, "worker")), ("1-1", PhaseBegan("starting"))])
    assert [(phase.phase, phase.ahead) for phase in phases(viewer)] == [("starting", None)]


def test_a_page_that_comes_late_is_told_what_is_expected() -> None:
    answer = LiveAnswer(uuid4())
    told = PhaseBegan("starting", expected_tokens=700, expected_s=14.5)
    answer.fold([("1-0", Claimed(1, "worker")), ("1-1", told), ("1-2", PhaseBegan("waiting", "qwen", reading=4000))])

    (phase,) = phases(Viewer(answer, "", {}))

    assert (phase.phase, phase.reading) == ("waiting", 4000)
    assert (phase.expected_tokens, phase.expected_s) == (700, 14.5)
