"""What the script of an operators' page fetches is what the page has, and is rendered once for all."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from streaming.operations.pages import fragments, overview

PAGES = ("generations", "latency", "history", "servers", "processes", "alerts", "cost")
ADDRESSES = ["/ops/", *(f"/ops/{name}/" for name in PAGES)]


@pytest.fixture(autouse=True)
def nothing_rendered() -> None:
    fragments._fresh.clear()


def fragment(client: Client, address: str) -> str:
    return client.get(address, headers={"X-Fragment": "1"}).content.decode()


def live(html: str) -> list[str]:
    return re.findall(r'data-live="([^"]+)"', html)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_fragment_has_the_live_elements_of_the_page(operator: Client, address: str) -> None:
    page, alone = operator.get(address).content.decode(), fragment(operator, address)

    assert live(alone) == live(page) and {"at", "scope"} & set(live(page))
    assert "<html" in page and "<html" not in alone


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_fragment_has_nothing_of_one_users(operator: Client, otto: User, address: str) -> None:
    alone = fragment(operator, address)

    assert "csrf" not in alone and otto.username not in alone


def test_who_may_not_see_the_page_gets_no_fragment_of_it(client: Client, operator: Client, alice: User) -> None:
    fragment(operator, "/ops/")
    client.force_login(alice)

    assert client.get("/ops/", headers={"X-Fragment": "1"}).status_code == 403


def test_operators_who_see_the_same_share_a_rendering(
    client: Client, otto: User, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []
    monkeypatch.setattr(overview, "current_overview", lambda: rendered.append("overview"))
    olga = User.objects.create_user("olga")
    olga.groups.set(otto.groups.all())

    for user in (otto, olga, admin_user):
        client.force_login(user)
        fragment(client, "/ops/")
    fragment(client, "/ops/?other=1")

    assert len(rendered) == 3  # operators, the admin, and another address


def test_an_old_rendering_is_forgotten(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "FRESH_S", -1.0)

    for number in range(3):
        fragment(operator, f"/ops/processes/?{number}")

    assert len(fragments._fresh) == 1
