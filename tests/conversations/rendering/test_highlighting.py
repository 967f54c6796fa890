"""Code gets its colours from a process of its own, which nothing that a model writes can keep from serving others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from conversations.rendering import HighlightBudget, plain_text, render, render_blocks
from conversations.rendering.highlighting import client
from conversations.rendering.highlighting.client import Highlighter
from tests.harness.processes import ROOT

BOMB = '"' + "\\" * 60  # to Scala's lexer, which would take years for it


# Found by the long form, python -m tests.conversations.rendering.lexers: exponential time, or a high power.
WORST = {
    **dict.fromkeys(["chapel", "scala"], '"' + "\\" * 48),
    "autoit": " " * 1_500,
    "csharp": "a\n" * 750,
    "fancy": "/*" + "\\" * 48,
    "mcschema": "<!--" * 12,
    "rita": '"' + "0" * 48,
}


@pytest.fixture
def highlighter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Highlighter]:
    """With a process that no other test uses."""
    found = Highlighter()
    monkeypatch.setattr(client, "_highlighter", found)
    yield found
    found.close()


def pid_of(highlighter: Highlighter) -> int:
    assert highlighter._process is not None
    return highlighter._process._process.pid


def is_coloured(html: str) -> bool:
    return re.search('<span class="[a-z][a-z0-9]?">', html) is not None


def test_code_that_would_take_years_is_shown_plain_and_the_next_has_its_colours(highlighter: Highlighter) -> None:
    html = render(f"```scala\n{BOMB}\n```\n\n```python\nx = 1\n```\n")

    assert '<code class="language-scala">' + BOMB + "\n</code>" in html
    assert '<code class="language-python"><span class="n">x</span>' in html


def test_the_worst_code_of_all_languages_has_an_end_and_the_process_lives_on(highlighter: Highlighter) -> None:
    assert highlighter.highlight("x = 1", "python", HighlightBudget())
    process = pid_of(highlighter)

    for language, source in WORST.items():
        budget = HighlightBudget()
        highlighter.highlight(source, language, budget)
        assert budget.seconds > 0

    assert highlighter.highlight("y = 1", "python", HighlightBudget())
    assert pid_of(highlighter) == process


def test_nothing_is_highlighted_twice(highlighter: Highlighter, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"```scala\n{BOMB}\n```\n\n```python\nx = 1\n```\n"
    first = render(text)
    monkeypatch.setattr(highlighter, "_ask", None)

    assert render(text) == first


def test_a_text_looks_the_same_however_often_it_is_rendered(highlighter: Highlighter) -> None:
    slow = "".join(f"```scala\n{BOMB}{number}\n```\n\n" for number in range(10))
    text = f"{slow}```python\nx = 1\n```\n"

    assert render(text) == render(text) == render(text)
    assert not is_coloured(render(text))


def test_many_slow_blocks_of_one_text_take_no_longer_than_a_few(highlighter: Highlighter) -> None:
    slow = "".join(f"```scala\n{BOMB}{number}\n```\n\n" for number in range(20))

    html = render(f"{slow}```python\nx = 1\n```\n")

    assert not is_coloured(html)
    assert is_coloured(render("```python\nx = 1\n```\n"))


def test_a_text_has_colours_for_a_number_of_blocks() -> None:
    html = render("".join(f"```python\nx = {number}\n```\n\n" for number in range(client.BLOCKS + 1)))

    assert html.count('<span class="n">x</span>') == client.BLOCKS


def test_a_process_that_ended_is_replaced(highlighter: Highlighter) -> None:
    assert is_coloured(render("```python\nx = 1\n```\n"))
    process = psutil.Process(pid_of(highlighter))

    process.kill()
    process.wait()

    assert is_coloured(render("```python\nx = 2\n```\n"))


@pytest.fixture
def stopped(highlighter: Highlighter, monkeypatch: pytest.MonkeyPatch) -> psutil.Process:
    """The highlighting process, which gets no processor time, as on a machine that is too busy."""
    render("```python\nx = 1\n```\n")
    monkeypatch.setattr(client, "PATIENCE_S", 0.1)
    process = psutil.Process(pid_of(highlighter))
    process.suspend()
    return process


def test_nobody_waits_long_for_a_process_that_stands_still(highlighter: Highlighter, stopped: psutil.Process) -> None:
    budget = HighlightBudget()
    blocks = render_blocks("```python\nx = 2\n```\n\n```python\nx = 3\n```\n", budget)

    assert not is_coloured("".join(blocks))
    assert budget.gave_up
    assert not is_coloured(render("```python\nx = 3\n```\n"))


def test_colours_that_come_late_are_kept_for_the_next_time(
    highlighter: Highlighter, stopped: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_coloured(render("```python\nx = 2\n```\n"))
    stopped.resume()
    monkeypatch.setattr(client, "NO_PATIENCE_S", 60.0)

    assert is_coloured(render("```python\nx = 2\n```\n"))

    assert pid_of(highlighter) == stopped.pid


def test_code_that_is_too_slow_is_not_asked_for_again_though_nobody_waited_for_the_reply(
    highlighter: Highlighter, stopped: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(f"```scala\n{BOMB}\n```\n")
    stopped.resume()
    monkeypatch.setattr(client, "NO_PATIENCE_S", 60.0)
    monkeypatch.setattr(highlighter, "_ask", None)
    budget = HighlightBudget()

    render_blocks(f"```scala\n{BOMB}\n```\n", budget)

    assert not budget.gave_up


def test_a_process_that_is_stuck_for_long_is_replaced(
    highlighter: Highlighter, stopped: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STUCK_S", 0.0)
    render("```python\nx = 2\n```\n")
    monkeypatch.setattr(client, "PATIENCE_S", 60.0)

    assert is_coloured(render("```python\nx = 2\n```\n"))


def test_code_is_not_blamed_for_a_process_that_somebody_killed(
    highlighter: Highlighter, stopped: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    render("```python\nx = 2\n```\n")
    stopped.kill()
    monkeypatch.setattr(client, "NO_PATIENCE_S", 60.0)
    monkeypatch.setattr(client, "PATIENCE_S", 60.0)
    budget = HighlightBudget()

    render_blocks("```python\nx = 2\n```\n", budget)

    assert budget.gave_up
    assert is_coloured(render("```python\nx = 2\n```\n"))


def test_the_process_has_nothing_of_its_parents_but_one_socket(highlighter: Highlighter) -> None:
    with open(os.devnull) as file:
        os.set_inheritable(file.fileno(), True)
        render("```python\nx = 1\n```\n")

    assert psutil.Process(pid_of(highlighter)).num_fds() == 3


def test_the_process_ends_with_its_parent() -> None:
    program = (
        "import time\n"
        "from conversations.rendering import render\n"
        "from conversations.rendering.highlighting import client\n"
        "render('```python\\nx = 1\\n```')\n"
        "print(client._highlighter._process._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

    process.wait(20)


def test_titles_ask_for_no_colours(highlighter: Highlighter) -> None:
    assert plain_text("```python\nx = 1\n```\n", 100) == "x = 1"

    assert highlighter._process is None
