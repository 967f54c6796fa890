"""Guessing passwords is limited, at every door; and behind a proxy each client for itself."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}  # allauth's own


def guess(client: Client, times: int, name: str = "alice", **headers: str) -> None:
    for _ in range(times):
        client.post(LOGIN, {"login": name, "password": "wrong"}, headers=headers)


def test_after_some_guesses_the_right_password_does_not_help_either(client: Client, alice: User) -> None:
    guess(client, 6)

    response = client.post(LOGIN, {"login": "alice", "password": "secret"})

    assert "Too many failed login attempts" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_somebody_elses_guesses_do_not_shut_bob_out(client: Client, alice: User, bob: User) -> None:
    guess(client, 6)

    assert client.post(LOGIN, {"login": "bob", "password": "secret"}).status_code == 302


def test_too_many_requests_get_a_page_that_says_so(client: Client, db: None) -> None:
    for number in range(31):
        response = client.post(LOGIN, {"login": f"user{number}", "password": "wrong"})

    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_the_admin_has_no_door_without_limits(client: Client, alice: User) -> None:
    User.objects.update(is_staff=True)

    response = client.post("/admin/login/", {"username": "alice", "password": "secret"})

    assert response.headers["Location"].startswith(LOGIN)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("proxies", "status"), [(1, 302), (0, 200)])
def test_behind_a_proxy_clients_are_told_apart(
    client: Client, bob: User, settings: Settings, proxies: int, status: int
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for number in range(11):
        guess(client, 1, f"user{number}", X_Forwarded_For="203.0.113.1")

    form = {"login": "bob", "password": "secret"}
    response = client.post(LOGIN, form, headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.2"})

    assert response.status_code == status
