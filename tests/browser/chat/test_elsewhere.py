"""What happens in one tab, on one device or by one program is seen in every other one."""

from playwright.sync_api import Page, expect

from ..conftest import Open
from ..person import Person


def open_again(alice: Person) -> Page:
    """The same chat in a second tab."""
    tab = alice.new_tab()
    tab.goto(alice.page.url)
    tab.wait_for_selector("html[data-connection=open]")
    return tab


def choose(alice: Person, choice: str) -> None:
    """From the menu of the open chat, which may have yet to come into the list."""
    entry = alice.page.locator("[data-entry]:has([aria-current=page])")
    entry.hover()
    entry.locator("[data-more]").click()
    alice.page.get_by_role("menuitem", name=choice).click()


def test_a_new_title_is_in_every_heading_list_and_tab(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 3")
    tab = open_again(alice)

    choose(alice, "Rename")
    alice.page.get_by_role("textbox", name="Title").fill("Threads of gold")
    alice.page.keyboard.press("Enter")

    for page in (alice.page, tab):
        expect(page).to_have_title("Threads of gold · Throughline")
        expect(page.get_by_role("heading", level=1)).to_have_text("Threads of gold")
        expect(page.locator("[data-entry]").first).to_contain_text("Threads of gold")


def test_a_chat_that_was_deleted_elsewhere_says_so_and_comes_back(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 3")
    tab = open_again(alice)
    tab.get_by_role("textbox", name="Message", exact=True).fill("and now?")

    choose(alice, "Delete")

    expect(tab.get_by_text("This chat was deleted.", exact=True).first).to_be_visible()
    expect(tab.get_by_role("button", name="Send")).to_be_disabled()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("This chat was deleted.", exact=True).first).to_be_hidden()
    tab.get_by_role("button", name="Send").click()
    expect(tab.locator("article[data-role=assistant]")).to_have_count(2)


def test_undoing_the_deletion_of_the_open_chat_leads_back_to_it(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 3")
    url = alice.page.url
    choose(alice, "Delete")
    expect(alice.page).to_have_url(alice.site.url + "/")

    alice.click("Undo")

    expect(alice.page).to_have_url(url)


def test_another_version_is_shown_in_every_tab(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 3")
    alice.click("Regenerate")
    alice.wait_until_idle()
    tab = open_again(alice)

    alice.click("Previous version")

    expect(tab.locator("article[data-role=assistant]")).to_contain_text("1 / 2")
    expect(alice.last_answer).to_contain_text("1 / 2")


def test_a_question_below_a_message_that_this_tab_lacks_is_watched(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.ask("count to 3")
    tab = open_again(alice)
    tab.evaluate("document.querySelectorAll('article').forEach((article) => article.remove())")

    alice.send_message("count to 40")

    answers = tab.locator("article[data-role=assistant]")
    expect(answers).to_have_count(2)
    expect(answers.last).to_have_attribute("data-state", "done")
    expect(answers.last).to_contain_text("39 40")
