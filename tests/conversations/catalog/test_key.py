"""A model server's key is written, never read: no page shows it, and none lets it be guessed."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from conversations.models import ModelServer, Tier
from tests.conversations.conftest import browser

from .conftest import KEY, SERVERS, TIERS, errors_of, server_form


@pytest.fixture
def as_watcher(bob: User) -> Client:
    """Bob may look at servers, and change nothing."""
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(*Permission.objects.filter(codename__in=["view_modelserver", "view_tier"]))
    return browser(bob)


def change(client: Client, server: ModelServer, **changes: str) -> dict[str, list[str]]:
    return errors_of(client.post(f"{SERVERS}{server.pk}/change/", server_form(**changes)))


def stored(server: ModelServer) -> str:
    server.refresh_from_db()
    return server.api_key


def test_no_page_shows_it(as_otto: Client, as_watcher: Client, server: ModelServer) -> None:
    tier = Tier.objects.create(name="Smart", slug="smart", server=server)
    pages = [
        SERVERS,
        TIERS,
        f"{TIERS}{tier.pk}/change/",
        *(f"{SERVERS}{server.pk}/{p}/" for p in ("change", "history")),
    ]
    as_otto.post(f"{SERVERS}{server.pk}/change/", server_form(name="GPU 2"))

    for client, page in [(c, p) for c in (as_otto, as_watcher) for p in pages] + [
        (as_otto, f"{SERVERS}{server.pk}/delete/")
    ]:
        response = client.get(page)
        assert response.status_code == 200, page
        assert KEY not in response.content.decode(), page


def test_a_refused_form_does_not_send_it_back(as_otto: Client, server: ModelServer) -> None:
    response = as_otto.post(f"{SERVERS}{server.pk}/change/", server_form(name="", api_key="sk-typed"))

    assert errors_of(response)
    assert KEY not in response.content.decode() and "sk-typed" not in response.content.decode()


def test_it_is_in_no_repr(server: ModelServer) -> None:
    assert KEY not in f"{server!r} {server}"


def test_an_empty_field_keeps_it(as_otto: Client, server: ModelServer) -> None:
    assert not change(as_otto, server, name="GPU 2")

    assert stored(server) == KEY
    assert "API key" not in LogEntry.objects.get().get_change_message()


def test_a_typed_one_replaces_it(as_otto: Client, server: ModelServer) -> None:
    assert not change(as_otto, server, api_key="sk-new", url="http://127.0.0.2:9/v1")

    assert stored(server) == "sk-new"
    assert "sk-new" not in LogEntry.objects.get().change_message


def test_it_can_be_removed(as_otto: Client, server: ModelServer) -> None:
    assert not change(as_otto, server, remove_key="on")

    assert stored(server) == ""


def test_it_is_not_replaced_and_removed_at_once(as_otto: Client, server: ModelServer) -> None:
    assert list(change(as_otto, server, api_key="sk-new", remove_key="on")) == ["api_key"]
    assert stored(server) == KEY


@pytest.mark.parametrize("url", ["http://127.0.0.2:9/v1", "http://127.0.0.1:10/v1", "https://127.0.0.1:9/v1"])
def test_it_is_not_taken_to_another_host(as_otto: Client, server: ModelServer, url: str) -> None:
    """Else somebody could point the server at one of their own, and read the key there."""
    errors = change(as_otto, server, url=url)

    assert "another host" in errors["api_key"][0]
    assert ModelServer.objects.get().url == "http://127.0.0.1:9/v1"


def test_another_path_of_the_host_keeps_it(as_otto: Client, server: ModelServer) -> None:
    assert not change(as_otto, server, url="http://127.0.0.1:9/api/v1")

    assert stored(server) == KEY


@pytest.mark.parametrize("page", [f"{SERVERS}?api_key__startswith=sk", f"{TIERS}?server__api_key__startswith=sk"])
def test_nobody_can_guess_it_by_searching(as_otto: Client, server: ModelServer, page: str) -> None:
    assert as_otto.get(page).status_code == 400


def test_users_and_reviewers_have_no_such_pages(as_alice: Client, as_rita: Client, server: ModelServer) -> None:
    for page in (SERVERS, f"{SERVERS}{server.pk}/change/", TIERS):
        assert as_alice.get(page).status_code == 302
        assert as_rita.get(page).status_code == 403


def test_operators_get_the_permissions_by_their_group(db: None) -> None:
    held = Group.objects.get(name="operators").permissions.values_list("codename", flat=True)

    assert {f"{act}_{what}" for act in ("view", "add", "change", "delete") for what in ("modelserver", "tier")} < set(
        held
    )
