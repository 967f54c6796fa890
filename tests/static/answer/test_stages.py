"""An answer in stages: one of them is shown as the answer, the others are folded."""

from __future__ import annotations

import itertools
import json

from conversations.models.generation.plan import shown_stage

from ..conftest import LiveAnswer

STATUSES = ["running", "done", "failed", "stopped"]


def open_stages(answer: LiveAnswer) -> list[str]:
    answer.show()
    found: list[str] = answer.page.evaluate(
        "[...document.querySelectorAll('[data-stage][open]')].map((d) => d.dataset.stage)"
    )
    return found


def test_the_next_stages_text_takes_the_place_of_the_draft(answer: LiveAnswer) -> None:
    answer.stage(0, "running")
    answer.stage(1, "running")
    answer.text(0, "A draft", "0.text")
    assert open_stages(answer) == ["0"]

    answer.text(0, "Better", "1.text")
    assert open_stages(answer) == ["0"]

    answer.stage(0, "done")
    answer.text(6, ".", "1.text")

    assert open_stages(answer) == ["1"]
    assert answer.source == "Better."
    assert "A draft" in answer.shown


def test_a_stage_that_fails_early_gives_its_place_back(answer: LiveAnswer) -> None:
    answer.stage(0, "done")
    answer.stage(1, "running")
    answer.text(0, "A whole draft", "0.text")
    answer.text(0, "Bet", "1.text")
    answer.show()

    answer.stage(1, "failed")
    answer.text(13, ".", "0.text")

    assert open_stages(answer) == ["0"]


def test_what_the_reader_opened_stays_open(answer: LiveAnswer) -> None:
    answer.stage(0, "done")
    answer.stage(1, "done")
    answer.stage(2, "running")
    answer.text(0, "A draft", "0.text")
    answer.text(0, "A better one", "1.text")
    answer.show()
    answer.page.locator("[data-stage='0'] summary").click()

    answer.text(0, "The last", "2.text")

    assert open_stages(answer) == ["0", "2"]


def test_the_progress_names_the_stages(answer: LiveAnswer) -> None:
    answer.stage(0, "done")
    answer.stage(1, "running")

    assert answer.page.locator("[data-stages]").inner_text().split("\n") == ["Stage 0", "Stage 1"]
    assert answer.attribute("[data-stages] li", "data-status") == "done"


def test_page_and_server_choose_the_same_stage(answer: LiveAnswer) -> None:
    cases = [
        ({0: first, 1: second}, {0: one, 1: other})
        for first, second in [(0, 0), (5, 0), (0, 5), (5, 3), (3, 5), (4, 4)]
        for one, other in itertools.product(STATUSES, STATUSES)
    ]

    script = """async (cases) => {
        const { shownStage } = await import("/js/answer/stages.js");
        const map = (pairs) => new Map(pairs);
        return cases.map(([lengths, statuses]) => shownStage(map(lengths), map(statuses)));
    }"""
    as_pairs = json.loads(json.dumps([[list(a.items()), list(b.items())] for a, b in cases]))
    as_pairs += [[[[0, 5], [2, 5]], [[0, "done"], [1, one], [2, "running"]]] for one in STATUSES]
    cases += [({0: 5, 2: 5}, {0: "done", 1: one, 2: "running"}) for one in STATUSES]
    assert answer.page.evaluate(script, as_pairs) == [shown_stage(*case) for case in cases]
