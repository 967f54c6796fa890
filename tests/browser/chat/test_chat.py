"""A person chats: sends, watches, stops, reloads, comes back."""

import re

import pytest
from playwright.sync_api import expect

from tests.harness.site import Site

from ..conftest import Open

COUNTED = re.compile(r"1 2 3 4 5")


def test_the_first_question_gets_an_answer_and_an_address(person: Open) -> None:
    alice = person()
    alice.visit()

    alice.ask("Explain a table with code")

    assert re.search(r"/c/[0-9a-f-]{36}/$", alice.page.url)
    assert alice.state == "done"
    assert alice.last_answer.locator("table").count() > 0
    assert alice.last_answer.locator("pre code").count() > 0


def test_the_typing_indicator_names_the_phase_until_the_first_token(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()

    with site.held(0):
        alice.send_message("count to 10")

        expect(alice.last_answer.get_by_role("status")).to_contain_text(re.compile("model", re.IGNORECASE))
    alice.wait_for_text(COUNTED)


def test_progress_is_shown_and_never_moves_backwards(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    with site.held(130):
        alice.send_message("count to 300 [[demo rate=40]]")
        bar = alice.last_answer.get_by_role("progressbar")

        seen = []
        for number in (10, 40, 80, 120):
            alice.wait_for_text(f" {number} ")
            seen.append(float(bar.get_attribute("aria-valuenow") or 0))

    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_stop_ends_the_answer_and_continue_goes_on(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    with site.held(30):
        alice.send_message("count to 150")
        alice.wait_for_text(" 20 ")

        alice.click("Stop")
        alice.wait_until_idle()
    stopped = alice.answer_text
    alice.click("Continue")
    alice.wait_until_idle()

    assert stopped and "150" not in stopped
    assert alice.answer_text.split() == [str(n) for n in range(1, 151)]


def test_escape_stops_from_the_keyboard(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    with site.held(10):
        alice.send_message("count to 3000")
        alice.wait_for_text(" 5 ")

        alice.page.keyboard.press("Escape")
        alice.wait_until_idle()

    assert alice.state == "stopped"


def test_stop_works_before_the_first_token(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    with site.held(0):
        alice.send_message("count to 30")

        alice.click("Stop")
        alice.wait_until_idle()

    assert alice.state == "stopped"


@pytest.mark.parametrize("moment", [3, 40, 130])
def test_a_reload_in_the_middle_misses_nothing(person: Open, site: Site, moment: int) -> None:
    alice = person()
    alice.visit()
    with site.held(moment + 2):
        alice.send_message("count to 200")
        alice.wait_for_text(f" {moment} ")

        alice.reload()
    alice.wait_until_idle()

    assert alice.answer_text.split() == [str(n) for n in range(1, 201)]


def test_an_answer_looks_the_same_live_and_after_a_reload(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("Explain a plan with code, a table and mathematics")
    live = alice.answer_html

    alice.reload()

    assert alice.answer_html == live


def test_a_second_tab_shows_the_same_text_while_it_is_written(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    with site.held(15):
        alice.send_message("count to 200")
        alice.wait_for_text(" 10 ")

        tab = alice.new_tab()
        tab.goto(alice.page.url)
    tab.wait_for_selector("html[data-idle=true]")
    alice.wait_until_idle()

    assert tab.locator("article[data-role=assistant] [data-part='0.text']").inner_text() == alice.answer_text


def test_regenerating_keeps_the_first_answer_within_reach(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 6")

    alice.click("Regenerate")
    alice.wait_until_idle()

    expect(alice.last_answer).to_contain_text("2 / 2")
    alice.click("Previous version")
    alice.wait_until_connected()
    expect(alice.last_answer).to_contain_text("1 / 2")


def test_the_last_question_can_be_edited(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 6")

    alice.click("Edit")
    alice.page.get_by_role("textbox", name="Edit your message").fill("count to 9")
    alice.page.get_by_role("article").get_by_role("button", name="Send", exact=True).click()
    alice.wait_for_text(" 9")
    alice.wait_until_idle()

    assert alice.answer_text.split()[-1] == "9"
    assert alice.page.locator("article[data-role=user]").count() == 1


def test_a_failure_has_a_sentence_and_retry_works(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.send_message("count to 9 [[demo status=503]]")
    alice.wait_until_idle()

    expect(alice.last_answer).to_contain_text("overloaded")
    assert alice.state == "failed"
    alice.click("Retry")
    alice.wait_until_idle()
    assert alice.state == "failed"


def test_thinking_folds_away_when_the_answer_begins(person: Open) -> None:
    alice = person()
    alice.visit()

    alice.ask("[think] what is a thread?")

    thinking = alice.last_answer.locator("details[data-part='0.thinking']")
    assert thinking.get_attribute("open") is None
    assert "The user asks" not in alice.answer_text


def test_a_draft_survives_a_reload(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.composer.fill("half a thought")

    alice.reload()

    expect(alice.composer).to_have_value("half a thought")


def test_shift_enter_breaks_the_line_and_enter_sends(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.composer.press_sequentially("[echo] one")
    alice.composer.press("Shift+Enter")
    alice.composer.press_sequentially("two")

    alice.composer.press("Enter")
    alice.wait_until_idle()

    assert alice.answer_text.split() == ["one", "two"]


def test_the_sidebar_finds_renames_pins_and_deletes(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("[echo] The walrus and the carpenter")
    entry = alice.page.locator("[data-entry]").first
    expect(entry).to_contain_text("Walrus")

    alice.page.get_by_role("searchbox", name="Search chats").fill("carpenter walrus")

    expect(alice.page.locator("[data-entry]")).to_have_count(1)


def test_older_chats_are_listed_on_demand(person: Open, site: Site) -> None:
    site.shell(
        "otto = User.objects.get(username='otto');"
        "Conversation.objects.bulk_create(Conversation(owner=otto) for _ in range(105))",
    )
    otto = person("otto")
    otto.visit()
    expect(otto.page.locator("[data-entry]")).to_have_count(100)

    otto.click("Show older chats")

    expect(otto.page.locator("[data-entry]")).to_have_count(105)
    expect(otto.page.locator("[data-entry] a").nth(100)).to_be_focused()


def test_a_retry_in_the_middle_keeps_what_follows(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.send_message("[[demo status=400]] count to 5")
    expect(alice.last_answer.get_by_role("button", name="Retry")).to_be_visible()
    alice.ask("count to 6")
    earlier = alice.answers.first.get_attribute("data-generation")

    alice.page.get_by_role("button", name="Retry").first.click()
    expect(alice.answers.first).not_to_have_attribute("data-generation", earlier or "")
    alice.wait_until_idle()

    expect(alice.page.locator("article")).to_have_count(4)
    expect(alice.last_answer).to_contain_text("1 2 3 4 5 6")
