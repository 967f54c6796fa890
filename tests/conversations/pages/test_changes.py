"""What owners change: each answers a script with 204, a form with a redirect, and a refusal with a sentence."""

from uuid import uuid4

import pytest
from django.test import Client

from conversations.models import Conversation
from tests.conversations.talk import REPLY, answer_of, answered, click, shown

FETCH = {"X-Requested-With": "fetch"}


@pytest.mark.parametrize(
    ("verb", "form"), [("rename", {"title": "A"}), ("pin", {"pinned": "1"}), ("delete", {}), ("restore", {})]
)
def test_scripts_get_204_and_forms_are_led_on(
    as_alice: Client, conversation: Conversation, verb: str, form: dict[str, str]
) -> None:
    url = conversation.get_absolute_url()

    redirected = as_alice.post(f"{url}{verb}/", form)
    conversation.restore()
    fetched = as_alice.post(f"{url}{verb}/", form, headers=FETCH)

    assert (redirected.status_code, fetched.status_code) == (302, 204)
    assert redirected.headers["Location"] == ("/" if verb == "delete" else url)


def test_an_owner_renames(as_alice: Client, conversation: Conversation) -> None:
    as_alice.post(f"{conversation.get_absolute_url()}rename/", {"title": " Blue  sky "})

    conversation.refresh_from_db()
    assert (conversation.title, conversation.titled_by_hand) == ("Blue sky", True)


@pytest.mark.parametrize(("title", "code"), [("", "empty"), ("x" * 121, "too_long")])
def test_a_title_that_cannot_be_is_refused_with_a_sentence(
    as_alice: Client, conversation: Conversation, title: str, code: str
) -> None:
    response = as_alice.post(f"{conversation.get_absolute_url()}rename/", {"title": title}, headers=FETCH)

    told = response.json()
    assert (response.status_code, told["code"]) == (400, code)
    assert told["message"].endswith(".")


def test_an_owner_pins_and_unpins(as_alice: Client, conversation: Conversation) -> None:
    for pinned in (True, False):
        as_alice.post(f"{conversation.get_absolute_url()}pin/", {"pinned": int(pinned)})

        conversation.refresh_from_db()
        assert (conversation.pinned_at is not None) is pinned


def test_an_owner_deletes_and_restores(as_alice: Client, conversation: Conversation) -> None:
    url = conversation.get_absolute_url()

    as_alice.post(f"{url}delete/")
    deleted = as_alice.get(url).status_code
    as_alice.post(f"{url}restore/")

    assert (deleted, as_alice.get(url).status_code) == (404, 200)


@pytest.mark.parametrize("address", ["rename/", "pin/", "delete/", "show/{}/"])
def test_what_is_deleted_can_only_be_restored(as_alice: Client, conversation: Conversation, address: str) -> None:
    url = conversation.get_absolute_url() + address.format(answer_of(conversation).pk)
    conversation.delete_softly()

    assert as_alice.post(url, {"title": "A", "pinned": "1"}).status_code == 404


def test_an_owner_shows_another_version(as_alice: Client, conversation: Conversation) -> None:
    first = answer_of(conversation).pk
    answered(conversation.regenerate(first, click()), "Another")

    as_alice.post(f"{conversation.get_absolute_url()}show/{first}/")

    assert shown(conversation)[-1] == REPLY


def test_a_version_that_does_not_exist_is_refused(as_alice: Client, conversation: Conversation) -> None:
    response = as_alice.post(f"{conversation.get_absolute_url()}show/{uuid4()}/", headers=FETCH)

    assert (response.status_code, response.json()["code"]) == (400, "unknown_message")
