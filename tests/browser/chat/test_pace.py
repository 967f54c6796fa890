"""Text at an even pace: who wants it asks for it on the settings page, and loses nothing by it."""

from playwright.sync_api import Locator

from ..conftest import Open
from ..person import Person

COUNTED = " ".join(str(n) for n in range(1, 301))
LENGTHS = """() => {
    window.lengths = [];
    const look = () => {
        const shown = document.querySelector("article:last-child [data-part$='.text']")?.textContent.trim().length ?? 0;
        if (shown !== lengths.at(-1)) lengths.push(shown);
        requestAnimationFrame(look);
    };
    look();
}"""


STATES = """async () => {
    const { Pace } = await import("/static/js/answer/pace.js");
    const { AccountStorage } = await import("/static/js/account_storage.js");
    const { account } = document.querySelector("[data-main]").dataset;
    const { isEnabled, isOn } = new Pace(new AccountStorage(account));
    return { isEnabled, isOn };
}"""


def choice(person: Person) -> Locator:
    person.page.goto(f"{person.site.url}/settings/")
    return person.page.get_by_role("checkbox", name="Smooth streaming")


def test_it_is_off_until_it_is_chosen_and_stays_chosen(person: Open) -> None:
    alice = person()
    assert not choice(alice).is_checked()

    choice(alice).check()

    assert choice(alice).is_checked()


def test_an_answer_at_an_even_pace_is_whole(person: Open) -> None:
    alice = person()
    choice(alice).check()
    alice.visit()
    alice.page.evaluate(LENGTHS)

    alice.ask("count to 300 [[demo rate=400]]")

    assert alice.answer_text.split() == COUNTED.split()
    lengths = alice.page.evaluate("lengths")
    assert lengths == sorted(lengths)


def test_who_wants_less_motion_gets_text_at_once(person: Open) -> None:
    alice = person(reduced_motion="reduce")
    choice(alice).check()
    alice.visit()

    states = alice.page.evaluate(STATES)
    assert states == {"isEnabled": True, "isOn": False}
