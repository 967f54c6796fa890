"""Who may do what at which address: every address of users' pages has its row, and each row is tried."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse

from conversations.models import ApiToken, Conversation
from conversations.urls import urlpatterns
from tests.conversations.conftest import browser
from tests.conversations.talk import answer_of

# name: method, what the owner gets, what Bob gets
ADDRESSES = {
    "chat": ("GET", 200, 200),
    "conversation": ("GET", 200, 404),
    "message": ("GET", 200, 404),
    "rename": ("POST", 400, 404),  # for want of a title
    "pin": ("POST", 302, 404),
    "delete": ("POST", 302, 404),
    "restore": ("POST", 302, 404),
    "show": ("POST", 302, 404),
    "sidebar": ("GET", 200, 200),
    "settings": ("GET", 200, 200),
    "export": ("GET", 200, 200),
    "delete-all": ("POST", 302, 302),
    "make-token": ("POST", 302, 302),  # without a name: back to the page, which says so
    "revoke-token": ("POST", 302, 404),
    "review": ("GET", 403, 403),
}
CHANGES = [name for name, (method, *_) in ADDRESSES.items() if method == "POST"]


def address(name: str, conversation: Conversation) -> str:
    pattern = next(p for p in urlpatterns if p.name == name)
    known = {
        "conversation_id": conversation.pk,
        "message_id": answer_of(conversation).pk,
        "kind": "json",
        "token_id": token_of(conversation.owner),
    }
    wanted = pattern.pattern.regex.groupindex if name == "export" else pattern.pattern.converters
    return reverse(name, kwargs={key: known[key] for key in wanted})


def token_of(user: User) -> int:
    token, _ = ApiToken.make(user, "robot")
    return token.pk


def test_every_address_has_a_row() -> None:
    assert {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)} == set(ADDRESSES)


@pytest.mark.parametrize("name", ADDRESSES)
def test_owners_and_others_get_what_is_theirs(alice: User, bob: User, conversation: Conversation, name: str) -> None:
    method, *expected = ADDRESSES[name]
    url = address(name, conversation)

    found = [browser(user).generic(method, url).status_code for user in (alice, bob)]

    assert found == expected


@pytest.mark.parametrize("name", ADDRESSES)
def test_strangers_are_sent_to_sign_in(client: Client, conversation: Conversation, name: str) -> None:
    url = address(name, conversation)

    response = client.generic(ADDRESSES[name][0], url)

    assert (response.status_code, response.headers["Location"]) == (302, f"/accounts/login/?next={url}")


@pytest.mark.parametrize("name", [name for name in ADDRESSES if name != "review"])
def test_scripts_of_strangers_are_told_and_not_sent_elsewhere(
    client: Client, conversation: Conversation, name: str
) -> None:
    method, url = ADDRESSES[name][0], address(name, conversation)

    for headers in ({"X-Requested-With": "fetch"}, {"Sec-Fetch-Dest": "empty"}):
        response = client.generic(method, url, headers=headers)

        assert (response.status_code, response.json()["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_without_the_pages_token(alice: User, conversation: Conversation, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = client.post(address(name, conversation), {"title": "A", "confirm": "delete"})

    assert response.status_code == 403
    assert Conversation.objects.visible_to(alice).get().title == conversation.title


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_with_the_pages_token_is_made(alice: User, conversation: Conversation, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/settings/").content.decode())[0]

    form = {"title": "A", "csrfmiddlewaretoken": token}
    response = client.post(address(name, conversation), form)

    assert response.status_code == 302


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_by_a_link(as_alice: Client, conversation: Conversation, name: str) -> None:
    assert as_alice.get(address(name, conversation)).status_code == 405


@pytest.mark.parametrize("name", ["rename", "pin", "delete", "restore", "show"])
def test_bob_changes_nothing_of_alices(as_bob: Client, conversation: Conversation, name: str) -> None:
    before = Conversation.objects.filter(pk=conversation.pk).values().get()

    as_bob.post(address(name, conversation), {"title": "Bob's", "pinned": "1"})

    assert Conversation.objects.filter(pk=conversation.pk).values().get() == before
