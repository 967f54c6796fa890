"""What a terminal shows of an answer that has not begun."""

from __future__ import annotations

from io import StringIO

from django.core.management.base import OutputWrapper

from streaming.log.records import PhaseBegan
from streaming.terminal import Screen


def test_what_it_waits_for_stands_beside_the_answer() -> None:
    out, err = StringIO(), StringIO()
    screen = Screen(OutputWrapper(out), OutputWrapper(err), shows_text=True)

    for record in (
        PhaseBegan("starting"),
        PhaseBegan("waiting", "demo"),
        PhaseBegan("waiting", "demo", ahead=3),
        PhaseBegan("waiting", "demo", reading=4000),
        PhaseBegan("writing", "demo"),
    ):
        screen.show(record)

    assert out.getvalue() == ""
    assert err.getvalue().splitlines() == [
        "Waiting for the model server, 3 ahead.",
        "The model server reads about 4,000 tokens.",
    ]
