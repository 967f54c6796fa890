"""What Enter does: with a mouse it sends, under a finger it begins a new line, while composing it does neither."""

from playwright.sync_api import expect

from .conftest import Open

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
COMPOSED = """(box) => {
    const enter = { key: "Enter", bubbles: true, cancelable: true };
    box.dispatchEvent(new KeyboardEvent("keydown", { ...enter, isComposing: true }));
    box.dispatchEvent(new KeyboardEvent("keydown", { ...enter, keyCode: 229 }));
}"""


def test_on_a_phone_enter_begins_a_new_line_and_the_button_sends(person: Open) -> None:
    alice = person(**PHONE)
    alice.visit()
    alice.composer.press_sequentially("[echo] one")
    alice.composer.press("Enter")
    alice.composer.press_sequentially("two")

    expect(alice.composer).to_have_value("[echo] one\ntwo")
    expect(alice.composer).to_have_accessible_description("Enter for a new line, the button sends")
    alice.page.get_by_role("button", name="Send").tap()
    alice.wait_until_idle()
    assert alice.answer_text.split() == ["one", "two"]


def test_on_a_phone_an_edited_question_breaks_lines_too(person: Open) -> None:
    alice = person(**PHONE)
    alice.visit()
    alice.composer.fill("count to 3")
    alice.page.get_by_role("button", name="Send").tap()
    alice.wait_until_idle()

    alice.page.get_by_role("button", name="Edit").tap()
    editor = alice.page.get_by_role("textbox", name="Edit your message")
    editor.press("Enter")

    expect(editor).to_have_value("count to 3\n")


def test_an_input_method_that_composes_never_sends(person: Open) -> None:
    alice = person()
    alice.visit()
    alice.composer.fill("にほ")

    alice.composer.evaluate(COMPOSED)

    expect(alice.composer).to_have_value("にほ")
    assert alice.page.locator("article").count() == 0
    expect(alice.composer).to_have_accessible_description("Enter sends, Shift + Enter for a new line")
