"""An answer in stages, as it is seen: the draft at once, then what takes its place."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.harness.site import Site

from ..conftest import Open

QUESTION = "count to 150"


def test_the_draft_is_shown_then_folded_and_stays_readable(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    alice.page.get_by_label("How thorough").select_option("Deep")
    with site.held(30):
        alice.send_message("Explain how a bridge carries its load")
        expect(alice.last_answer.locator("[data-stage='0'][data-shown]")).to_be_visible()
    alice.wait_until_idle()

    shown = alice.last_answer.locator("[data-stage][data-shown]")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("written with the drafts before me")
    draft = alice.last_answer.locator("[data-stage='0']")
    expect(draft.locator("[data-block]").first).to_be_hidden()
    draft.locator("summary").click()
    expect(draft.locator("[data-block]").first).to_be_visible()


def test_a_reload_in_any_stage_shows_the_same_stages(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    alice.page.get_by_label("How thorough").select_option("Deep")
    with site.held(30):
        alice.send_message(QUESTION)
        expect(alice.last_answer.locator("[data-stage='1']")).to_contain_text("20 21")
        alice.reload()
    expect(alice.last_answer.locator("[data-stage='1']")).to_contain_text("60 61")
    alice.wait_until_idle()
    live = alice.last_answer.locator("[data-stage]").evaluate_all(STAGES)
    alice.reload()
    alice.wait_until_idle()

    assert live == alice.last_answer.locator("[data-stage]").evaluate_all(STAGES)
    assert [stage[:3] for stage in live] == [["0", False, "done"], ["1", False, "done"], ["2", True, "done"]]


STAGES = """stages => stages.map((stage) => [
    stage.dataset.stage, stage.open, stage.dataset.status, stage.querySelector("[data-block]").textContent.trim(),
])"""


def test_a_stopped_answer_is_continued_to_its_last_stage(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    alice.page.get_by_label("How thorough").select_option("Deep")
    with site.held(60):
        alice.send_message("count to 300")
        expect(alice.last_answer.locator("[data-stage='1']")).to_contain_text("50 51")
        alice.click("Stop")
        alice.wait_until_idle()
    alice.click("Continue")
    alice.wait_until_idle()

    shown = alice.last_answer.locator("[data-stage][data-shown]")
    assert shown.get_attribute("data-stage") == "2"
    assert shown.locator("[data-block]").inner_text().split() == [str(n) for n in range(1, 301)]


@pytest.fixture
def two_tiers(site: Site) -> Iterator[None]:
    site.shell(TWO_TIERS.format(url=site.env["VLLM_BASE_URL"]))
    yield
    site.shell(NO_TIERS)


TWO_TIERS = """
from conversations.models import ModelServer, Tier
server = ModelServer.objects.create(name="One", url="{url}")
for order, name in enumerate(["Small", "Large"]):
    Tier.objects.create(name=name, slug=name.lower(), order=order, server=server)
"""
NO_TIERS = """
from conversations.models import ModelServer, Tier
Tier.objects.all().delete()
ModelServer.objects.all().delete()
"""


def test_a_model_can_be_chosen_and_the_page_says_why_it_answered(person: Open, two_tiers: None) -> None:
    alice = person()
    alice.visit()
    alice.page.get_by_label("Model").select_option("Large")
    alice.ask("[echo] hello")
    alice.last_answer.get_by_text("How this was answered").click()

    expect(alice.last_answer).to_contain_text("You chose the model Large.")
    expect(alice.last_answer).to_contain_text("Routed to Large.")


def test_the_choice_of_thoroughness_is_remembered(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.page.get_by_label("How thorough").select_option("Balanced")
    alice.reload()

    expect(alice.page.get_by_label("How thorough")).to_have_value("balanced")


def test_confidence_is_a_word_and_unsure_passages_are_underlined_on_demand(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    words = " ".join(f"word{number}" for number in range(40))
    alice.ask(f"[echo] {words}")
    expect(alice.last_answer.locator(".confidence")).to_contain_text("confidence")

    alice.click("Low-confidence passages")

    generation = alice.last_answer.get_attribute("data-generation")
    passages = site.record(str(generation))["outcomes"]["0"]["low_confidence_spans"]
    expected = "".join(words[start:end] for start, end in passages).replace(" ", "")
    assert alice.page.evaluate(UNDERLINED) == expected != ""
    alice.click("Low-confidence passages")
    assert alice.page.evaluate(UNDERLINED) == ""


UNDERLINED = "() => [...CSS.highlights.get('low-confidence')].join('')"
