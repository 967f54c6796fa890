"""Tokens: random, kept as a hash, bounded in number, worth nothing when revoked or when their user is inactive."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import ApiToken
from conversations.models.chat.api_token import TOKENS_PER_USER, TooManyTokens, Unnamed
from conversations.models.chat.asking import TextTooLong


def test_a_secret_finds_its_token_and_is_kept_nowhere(alice: User) -> None:
    token, secret = ApiToken.make(alice, "  my   robot ")

    assert ApiToken.objects.with_secret(secret) == token
    assert (token.name, token.hint) == ("my robot", secret[:7])
    assert secret.startswith("tl_") and len(secret) >= 3 + 43  # 256 bits in base64
    assert not any(secret in str(value) for value in ApiToken.objects.values_list().get())


def test_a_name_turns_no_sentence_around(alice: User) -> None:
    assert ApiToken.make(alice, "my \u202erobot\x07")[0].name == "my robot"


def test_two_secrets_differ(alice: User) -> None:
    assert ApiToken.make(alice, "one")[1] != ApiToken.make(alice, "one")[1]


@pytest.mark.parametrize("wrong", ["", "tl_", "tl_wrong", "é"])
def test_another_secret_finds_nothing(alice: User, wrong: str) -> None:
    ApiToken.make(alice, "robot")

    assert ApiToken.objects.with_secret(wrong) is None


def test_the_hash_is_no_secret(alice: User) -> None:
    token, _ = ApiToken.make(alice, "robot")

    assert ApiToken.objects.with_secret(token.digest) is None


def test_an_inactive_users_token_is_not_valid(alice: User) -> None:
    _, secret = ApiToken.make(alice, "robot")
    User.objects.update(is_active=False)

    assert ApiToken.objects.with_secret(secret) is None
    assert not ApiToken.objects.valid().exists()


def test_there_is_a_most(alice: User, bob: User) -> None:
    for _ in range(TOKENS_PER_USER):
        ApiToken.make(alice, "robot")

    with pytest.raises(TooManyTokens):
        ApiToken.make(alice, "one more")
    assert ApiToken.make(bob, "his first")


@pytest.mark.parametrize(("name", "error"), [(" ", Unnamed), ("x" * 61, TextTooLong)])
def test_a_name_has_a_length(alice: User, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ApiToken.make(alice, name)


def test_use_is_noted_once_a_minute(alice: User) -> None:
    token, _ = ApiToken.make(alice, "robot")
    moments = []
    for age in (timedelta(0), timedelta(seconds=30), timedelta(seconds=61)):
        ApiToken.objects.exclude(last_used_at=None).update(last_used_at=timezone.now() - age)
        token.refresh_from_db()
        before = token.last_used_at
        token.record_use()
        token.refresh_from_db()
        moments.append(token.last_used_at != before)

    assert moments == [True, False, True]
