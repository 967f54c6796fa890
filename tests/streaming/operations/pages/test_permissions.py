"""Who may see the operators' pages, and press their buttons."""

import re
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from redis import Redis

from streaming.model_servers.drains import drains
from tests.streaming.operations.rows import asked

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
SERVER = "127.0.0.1:9"
BUTTONS = re.compile(r"<button[^>]*>(Stop|Drain)\b")


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


# Stop and drain


@pytest.fixture
def watcher(client: Client, bob: User) -> Client:
    """Bob may see the pages, and no more."""
    bob.user_permissions.add(Permission.objects.get(codename="watch_operations"))
    client.force_login(bob)
    return client


def test_who_only_watches_stops_and_drains_nothing(watcher: Client, alice: User, store: Redis) -> None:
    generation = asked(alice)

    assert watcher.post(f"/ops/generations/{generation.pk}/stop/").status_code == 403
    assert watcher.post("/ops/servers/drain/", {"drain": SERVER}).status_code == 403
    generation.refresh_from_db()
    assert generation.stop_requested_at is None and drains(store) == {}


def test_who_only_watches_has_no_buttons_for_it(watcher: Client, alice: User) -> None:
    pages = ("/ops/generations/", f"/ops/generations/{asked(alice).pk}/", "/ops/servers/")

    for page in pages:
        assert not BUTTONS.search(watcher.get(page).content.decode())


def test_operators_have_them(client: Client, otto: User, alice: User) -> None:
    client.force_login(otto)
    pages = ("/ops/generations/", f"/ops/generations/{asked(alice).pk}/", "/ops/servers/")

    for page in pages:
        assert BUTTONS.search(client.get(page).content.decode())
