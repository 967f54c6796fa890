"""Reviewers who read the same conversation see what the others say of it."""

from playwright.sync_api import expect

from .conftest import Open


def test_a_review_is_seen_in_every_reviewers_page(person: Open) -> None:
    alice, rita = person(), person("rita")
    alice.visit()
    alice.ask("count to 3")
    page = f"{rita.site.url}/admin/conversations/conversation/{alice.page.url.split('/')[-2]}/change/"
    rita.page.goto(page)
    tab = rita.new_tab()
    tab.goto(page)
    tab.get_by_role("textbox", name="Note").fill("My own words")

    rita.page.get_by_role("textbox", name="Note").fill("Well counted.")
    rita.click("Mark as reviewed")

    expect(tab.get_by_text("Well counted.")).to_be_visible()
    expect(tab.get_by_role("textbox", name="Note")).to_have_value("My own words")
