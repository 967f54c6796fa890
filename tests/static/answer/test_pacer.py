"""Text at an even pace: held back for a moment at most, and only from the eye."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from ..conftest import LiveAnswer

FRAME_MS = 16
HELD_MS = 400
RUN = """async ({ arrivals, until, frame, floors, off }) => {
    const { Pacer } = await import("/js/answer/pacer.js");
    let now = 1000, source = "";
    const pacer = new Pacer({ get isOn() { return off === null || now < 1000 + off; } }, () => now);
    const seen = [];
    const waiting = arrivals.map(([at, text]) => [1000 + at, text]);
    for (let tick = 1000 + frame; tick <= 1000 + until; tick += frame) {
        while (waiting.length && waiting[0][0] <= tick) {
            let text;
            [now, text] = waiting.shift();
            source += text;
            pacer.arrived(source.length);
        }
        now = tick;
        seen.push([tick - 1000, pacer.visible(source, floors[tick - 1000] ?? 0)]);
    }
    return seen;
}"""

Arrivals = list[tuple[int, str]]
Seen = list[tuple[int, int]]  # at each frame: the time, and how much was visible


def played(
    answer: LiveAnswer,
    arrivals: Arrivals,
    until: int = 3000,
    floors: dict[int, int] | None = None,
    off: int | None = None,
) -> Seen:
    """``off``: when the tab is hidden."""
    given = {"arrivals": arrivals, "until": until, "frame": FRAME_MS, "floors": floors or {}, "off": off}
    seen: list[Any] = answer.page.evaluate(RUN, given)
    return [(at, visible) for at, visible in seen]


def arrived(arrivals: Arrivals, by: float) -> int:
    return sum(len(text) for at, text in arrivals if at <= by)


def growth(seen: Seen, since: int, until: int) -> list[int]:
    """By frame."""
    return [b - a for (at, a), (_, b) in itertools.pairwise(seen) if since <= at <= until]


def test_bursts_are_spread_evenly(answer: LiveAnswer) -> None:
    bursts = [(200 * n, "x" * 60) for n in range(12)]

    seen = played(answer, bursts)

    steps = growth(seen, 1000, 2200)
    even = 60 * FRAME_MS / 200
    assert min(steps) > 0.6 * even and max(steps) < 1.5 * even
    assert seen[-1][1] == 720


def test_a_steady_stream_is_hardly_held(answer: LiveAnswer) -> None:
    tokens = [(20 * n, "word ") for n in range(100)]

    seen = played(answer, tokens)

    assert all(visible >= arrived(tokens, at - 100) for at, visible in seen)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_held_for_longer_than_allowed_and_nothing_goes_back(answer: LiveAnswer, seed: int) -> None:
    chance = random.Random(seed)
    at, arrivals = 0, []
    for _ in range(60):
        at += chance.choice([0, 1, 5, 17, 40, 90, 300, 900])
        arrivals.append((at, "So it is. " * chance.randint(1, 30)))

    seen = played(answer, arrivals, until=at + 1000)

    for moment, visible in seen:
        assert arrived(arrivals, moment - HELD_MS) <= visible <= arrived(arrivals, moment)
    assert min(growth(seen, 0, at + 1000)) >= 0


def test_it_rests_at_the_end_of_a_sentence(answer: LiveAnswer) -> None:
    seen = played(answer, [(0, "x" * 40 + ". " + "y" * 40)], until=600)

    resting = [at for at, visible in seen if visible == 42]
    assert 3 * FRAME_MS <= resting[-1] - resting[0] <= 6 * FRAME_MS
    assert seen[-1][1] == 82


def test_a_number_is_no_end_of_a_sentence(answer: LiveAnswer) -> None:
    seen = played(answer, [(0, "3.14159 is it")], until=600)

    assert 2 not in [visible for _, visible in seen[1:]]


def test_a_hidden_tab_holds_nothing(answer: LiveAnswer) -> None:
    seen = dict(played(answer, [(0, "x" * 500), (320, "y" * 500)], until=640, off=96))

    assert seen[80] < 500 == seen[96]
    assert seen[320] == 1000


def test_what_is_in_finished_blocks_is_visible(answer: LiveAnswer) -> None:
    seen = dict(played(answer, [(0, "x" * 500)], until=640, floors={32: 300}))

    assert seen[16] < 300 <= seen[32] < 500


def test_no_character_is_cut_in_two(answer: LiveAnswer) -> None:
    script = """async () => {
        const { Pacer } = await import("/js/answer/pacer.js");
        let now = 0;
        const pacer = new Pacer({ isOn: true }, () => now);
        pacer.arrived(200);
        const seen = [];
        for (; now < 500; now += 7) seen.push(pacer.visible("🧵".repeat(100), 0));
        return seen;
    }"""

    seen: list[int] = answer.page.evaluate(script)
    assert all(visible % 2 == 0 for visible in seen) and len(set(seen)) > 5


# In an answer


@pytest.fixture
def paced(answer: LiveAnswer) -> LiveAnswer:
    answer.page.evaluate("pace.isOn = true; window.clock = 1000; performance.now = () => clock")
    return answer


def after(paced: LiveAnswer, ms: int) -> str:
    paced.page.evaluate("ms => { clock += ms }", ms)
    return paced.shown


def test_what_is_held_back_counts_as_seen_and_can_be_copied(paced: LiveAnswer) -> None:
    paced.text(0, "x" * 100)

    assert 0 < len(after(paced, 16)) < 100
    assert paced.source == "x" * 100
    assert paced.seen == {"0.text": [100, 0]}


def test_frames_go_on_until_all_is_shown(paced: LiveAnswer) -> None:
    paced.page.evaluate("performance.now = Date.now")
    paced.text(0, "x" * 100)

    paced.page.wait_for_function("document.querySelector('[data-parts]').textContent.trim().length === 100")


def test_a_rendered_tail_waits_for_its_text(paced: LiveAnswer) -> None:
    paced.text(0, "One **two** " + "x" * 100)
    paced.hear("tail.rendered", part="0.text", html="<p>One <b>two</b></p>", upto=12)
    paced.hear("tail.rendered", part="0.text", html=f"<p>One <b>two</b> {'x' * 90}</p>", upto=102)

    assert "two" not in after(paced, 1)
    assert paced.page.locator("b").count() == 0
    assert after(paced, 40).startswith("One two") and len(paced.shown) < 80
    assert len(after(paced, 400)) == len("One two ") + 100


def test_finished_blocks_are_shown_at_once(paced: LiveAnswer) -> None:
    paced.text(0, "One\n\n" + "x" * 100)
    paced.hear("blocks.done", part="0.text", first=0, html=["<p>One</p>"], upto=5)

    assert after(paced, 1).startswith("One")
    assert paced.page.locator("[data-block]").count() == 1


def test_the_end_holds_nothing_back(paced: LiveAnswer) -> None:
    paced.text(0, "x" * 100)
    paced.text(0, "y" * 100, "0.thinking")
    after(paced, 1)

    paced.finish({"0": f"<p>{'x' * 100}</p>"})

    assert paced.shown == "Thinking" + "y" * 100 + "x" * 100


def test_a_part_that_is_restarted_begins_anew(paced: LiveAnswer) -> None:
    paced.text(0, "x" * 100)
    after(paced, 50)
    paced.hear("part.restarted", position="2-1", part="0.text")
    assert after(paced, 1) == ""

    paced.text(0, "Anew")

    assert after(paced, 400) == "Anew"
