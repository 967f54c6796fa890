"""It works on a narrow screen, in the dark, from right to left, and with long texts."""

from typing import Any

import pytest

from tests.harness.site import Site

from .conftest import Open
from .person import Person

NARROW = {"viewport": {"width": 390, "height": 780}, "has_touch": True}
NO_SCROLL = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def test_nothing_is_wider_than_a_narrow_screen(person: Open) -> None:
    alice = person(**NARROW)
    alice.visit()
    alice.ask("Compare in a table, with code and mathematics")

    assert alice.page.evaluate(NO_SCROLL)
    assert alice.last_answer.locator("table").count() > 0


@pytest.mark.parametrize("options", [{}, NARROW], ids=["wide", "narrow"])
def test_a_toast_covers_neither_the_progress_nor_what_the_composer_says(
    person: Open, site: Site, options: dict[str, Any]
) -> None:
    alice = person(**options)
    alice.expected += ["WebSocket", "ERR_INTERNET"]
    alice.visit()
    with site.held(120):
        alice.send_message("[echo] " + "\n\n".join(f"line {number}" for number in range(60)))
        alice.wait_for_text("line 30")
        alice.composer.fill("More")
        alice.composer.press("Control+Enter")
        alice.context.set_offline(True)
        alice.click("Stop")
        alice.page.get_by_text("stopped once it is back").hover()  # so it stays

        progress, toast, alert = (bounds(alice, f".{name}") for name in ("progress", "toast", "composer__alert"))
        alice.context.set_offline(False)

    assert progress["bottom"] <= toast["top"] < toast["bottom"] <= alert["top"]


def test_dark_mode_follows_the_system(person: Open) -> None:
    alice = person(color_scheme="dark")
    alice.visit()

    light = "light-dark(rgb(255, 255, 255), rgb(0, 0, 0))"
    shown = alice.page.evaluate(
        "value => { document.body.style.color = value; return getComputedStyle(document.body).color; }", light
    )

    assert shown == "rgb(0, 0, 0)"


def test_an_arabic_answer_runs_from_right_to_left(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("ما هو البث؟")

    block = alice.last_answer.locator("[data-block]").first

    assert block.locator("p").first.evaluate("element => getComputedStyle(element).direction") == "rtl"


def test_a_long_answer_sticks_to_its_end_until_the_reader_scrolls_away(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.send_message("write a long and detailed essay [[demo rate=400]]")
    alice.wait_for_text("3.")
    jump = alice.page.get_by_role("button", name="Jump to latest")
    assert not jump.is_visible()

    alice.page.mouse.move(700, 300)
    alice.page.mouse.wheel(0, -1500)

    jump.wait_for(state="visible")
    jump.click()
    jump.wait_for(state="hidden")
    alice.wait_until_idle()


def test_markup_of_a_model_is_shown_and_not_run(person: Open) -> None:
    alice = person()
    alice.visit()

    image, script = '<img src=x onerror="document.title=1">', "<script>document.title=2</script>"
    alice.ask(f"[echo] {image} {script} [a](javascript:alert(1))")

    assert "<script>" in alice.answer_text
    assert alice.last_answer.locator("[data-block] img, [data-block] script").count() == 0
    assert alice.page.title() not in ("1", "2")


def test_the_page_is_light(person: Open) -> None:
    alice = person()
    sizes: list[int] = []
    alice.page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))

    alice.visit()
    alice.page.wait_for_load_state("networkidle")

    assert sum(sizes) < 100_000


def bounds(person: Person, selector: str) -> dict[str, float]:
    found = person.page.locator(selector).last
    return dict(found.evaluate("element => element.getBoundingClientRect().toJSON()"))
