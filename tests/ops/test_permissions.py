"""Who may see the operators' pages."""

from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client

PAGES = (
    "/ops/",
    "/ops/generations/",
    "/ops/latency/",
    "/ops/history/",
    "/ops/history/file/?format=csv",
    "/ops/servers/",
    "/ops/processes/",
    "/ops/alerts/",
    "/ops/cost/",
    "/ops/cost/file/?format=json",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_the_sign_in(db: None, client: Client, page: str) -> None:
    response = client.get(page)

    assert (response.status_code, response.headers["Location"]) == (302, f"/accounts/login/?next={quote(page)}")


@pytest.mark.parametrize("page", PAGES)
def test_users_and_reviewers_are_refused(client: Client, alice: User, rita: User, page: str) -> None:
    for user in (alice, rita):
        client.force_login(user)

        assert client.get(page).status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_operators_and_superusers_see_them(client: Client, otto: User, page: str) -> None:
    root = User.objects.create_superuser("root", "root@example.com", "secret")
    for user in (otto, root):
        client.force_login(user)

        assert client.get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_they_are_only_read(client: Client, otto: User, page: str) -> None:
    client.force_login(otto)

    assert client.post(page).status_code == 405


def test_browsers_do_not_keep_them(client: Client, otto: User) -> None:
    client.force_login(otto)

    assert "no-store" in client.get("/ops/").headers["Cache-Control"]
