"""A socket belongs to whom its session belongs to, also while SECRET_KEY is being changed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from streaming.chat.session_user import user_of
from tests.conversations.conftest import browser

NEW_KEY = "another-secret-key-" + "y" * 50


@pytest.fixture
def as_alice(alice: User) -> Client:
    return browser(alice)


def test_a_session_is_its_users(as_alice: Client, alice: User) -> None:
    assert user_of(as_alice.session) == alice


def test_a_changed_key_keeps_sessions_by_its_fallback(as_alice: Client, alice: User, settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, [settings.SECRET_KEY]

    assert user_of(as_alice.session) == alice


def test_without_the_fallback_nobody_is_signed_in_and_the_session_is_not_ended(
    as_alice: Client, settings: Settings
) -> None:
    key, settings.SECRET_KEY = settings.SECRET_KEY, NEW_KEY
    stranger = user_of(as_alice.session)
    settings.SECRET_KEY = key

    assert not stranger.is_authenticated
    assert user_of(as_alice.session).is_authenticated


@pytest.mark.parametrize("change", ["password", "is_active"])
def test_a_new_password_and_an_account_that_is_closed_end_it(as_alice: Client, alice: User, change: str) -> None:
    alice.set_password("new-secret-9")
    alice.is_active = change != "is_active"
    alice.save()

    assert not user_of(as_alice.session).is_authenticated
