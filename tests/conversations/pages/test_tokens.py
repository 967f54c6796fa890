"""Tokens on the settings page: shown once, listed, revoked by their owner alone; and in the admin, without secrets."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.models import ApiToken


def make(client: Client, name: str = "robot") -> str:
    return client.post("/settings/tokens/", {"name": name}, follow=True).content.decode()


def secret_in(html: str) -> str:
    found = re.search(r'value="(tl_[^"]+)"', html)
    return found[1] if found else ""


def test_a_new_token_is_shown_once(as_alice: Client) -> None:
    secret = secret_in(make(as_alice, "my <robot>"))
    later = as_alice.get("/settings/").content.decode()

    assert ApiToken.objects.with_secret(secret)
    assert secret not in later
    assert "my &lt;robot&gt;" in later and f"{secret[:7]}…" in later


def test_nothing_keeps_the_page_with_the_secret(as_alice: Client) -> None:
    response = as_alice.post("/settings/tokens/", {"name": "robot"})

    assert "no-store" in response["Cache-Control"]


def test_a_token_needs_a_name(as_alice: Client) -> None:
    html = make(as_alice, " ")

    assert "There is nothing to send yet" not in html
    assert 'class="notice notice--error"' in html
    assert not ApiToken.objects.exists()


def test_the_list_has_ones_own(as_alice: Client, as_bob: Client) -> None:
    make(as_alice, "alices robot")

    assert "alices robot" not in as_bob.get("/settings/").content.decode()


def test_a_revoked_token_is_gone(as_alice: Client, alice: User) -> None:
    token, secret = ApiToken.make(alice, "robot")

    html = as_alice.post(f"/settings/tokens/{token.pk}/revoke/", follow=True).content.decode()

    assert "Token “robot” revoked" in html
    assert ApiToken.objects.with_secret(secret) is None


def test_bob_cannot_revoke_alices(as_bob: Client, alice: User) -> None:
    token, secret = ApiToken.make(alice, "robot")

    response = as_bob.post(f"/settings/tokens/{token.pk}/revoke/")

    assert response.status_code == 404
    assert ApiToken.objects.with_secret(secret) == token


@pytest.mark.parametrize("path", ["", "{pk}/change/"])
def test_administrators_see_tokens_without_secrets(as_root: Client, alice: User, path: str) -> None:
    token, secret = ApiToken.make(alice, "robot")

    html = as_root.get(f"/admin/conversations/apitoken/{path.format(pk=token.pk)}").content.decode()

    assert "robot" in html and token.hint in html
    assert secret not in html and token.digest not in html


def test_administrators_make_none(as_root: Client) -> None:
    assert as_root.get("/admin/conversations/apitoken/add/").status_code == 403


@pytest.mark.parametrize("path", ["", "add/"])
def test_reviewers_have_nothing_to_do_with_tokens(as_rita: Client, path: str) -> None:
    assert as_rita.get(f"/admin/conversations/apitoken/{path}").status_code == 403
