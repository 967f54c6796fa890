"""An answer from the cache, and the button that gets another one."""

from playwright.sync_api import Browser, expect

from tests.harness.site import Site

from ..person import Person

QUESTION = "Explain how a cache forgets"


def test_the_button_asks_the_model(browser: Browser, caching_site: Site) -> None:
    alice = Person(caching_site, browser, "alice")
    for _ in range(2):
        alice.visit()
        alice.send_message(QUESTION)
        alice.wait_until_idle()
    expect(alice.last_answer.get_by_label("Statistics")).to_contain_text("From the cache")
    alice.click("Regenerate without cache")
    alice.wait_until_idle()

    expect(alice.last_answer.get_by_label("Statistics")).not_to_contain_text("From the cache")
    expect(alice.last_answer.get_by_role("button", name="Regenerate without cache")).to_have_count(0)
    alice.leave()
    assert alice.complaints == []
