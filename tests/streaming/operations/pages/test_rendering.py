"""What the socket of operators' pages tells is what the pages themselves have."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from streaming.operations.pages import rendering
from streaming.operations.pages.consumer import changes
from streaming.operations.pages.rendering import (
    LIVE_PAGES,
    NotLive,
    Operator,
    Renderings,
    operator_of,
    pieces_of,
    render,
)

SCOPE: dict[str, Any] = {"type": "websocket", "path": "/ws/ops/", "headers": [(b"host", b"testserver")]}
ADDRESSES = sorted(reverse(name) for name in LIVE_PAGES - {"ops-generation"})


def test_pieces_are_cut_out_as_they_stand() -> None:
    page = """<p data-live="at">As of <time>12:00</time></p>
<div class="x" data-live="list"><div>a<br></div>\r\n  <div>ü &amp; <svg><rect/></svg></div></div>
<div>no piece</div><ul data-live="empty"></ul>"""

    assert pieces_of(page) == {
        "at": "As of <time>12:00</time>",
        "list": "<div>a<br></div>\r\n  <div>ü &amp; <svg><rect/></svg></div>",
        "empty": "",
    }


def test_only_what_changed_is_told() -> None:
    assert changes({"same": "1", "other": "2", "gone": "3"}, {"same": "1", "other": "4", "new": "5"}) == {
        "other": "4", "new": "5", "gone": None
    }  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_live_page_is_told_piece_by_piece(operator: Client, otto: User, address: str) -> None:
    names = re.findall(r'data-live="([^"]+)"', operator.get(address).content.decode())

    pieces = render(SCOPE, address, otto)

    assert sorted(pieces) == sorted(names) and {"at", "scope"} & set(names)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_piece_has_a_form_or_anything_of_one_users(otto: User, address: str) -> None:
    inside = "".join(render(SCOPE, address, otto).values())

    assert not re.search(r"<(form|input|select|textarea)\b|csrf", inside)


def test_who_may_not_see_the_page_is_not_told(alice: User) -> None:
    assert operator_of(alice.pk) is None and operator_of(alice.pk + 1) is None
    with pytest.raises(NotLive):
        render(SCOPE, "/ops/", alice)


def test_a_generation_that_was_purged_is_not_told_of(otto: User) -> None:
    with pytest.raises(NotLive):
        render(SCOPE, reverse("ops-generation", args=[uuid4()]), otto)


def test_other_addresses_are_not_told_of(otto: User) -> None:
    for address in ("/", "/ops/cost/file/", "/nothing/", "//elsewhere.example/ops/", "/ops/?" + "x" * 2000):
        with pytest.raises(NotLive):
            render(SCOPE, address, otto)


async def test_operators_who_see_the_same_share_a_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str]] = []

    async def in_database(_: object, scope: object, address: str, user: User) -> rendering.Pieces:
        made.append((address, user.username))
        return {"at": address}

    monkeypatch.setattr(rendering, "in_database", in_database)
    may = frozenset({"conversations.watch_operations"})
    otto, olga = (Operator(User(username=name), may, is_staff=False) for name in ("otto", "olga"))
    staff = Operator(User(username="stella"), may, is_staff=True)
    shared = Renderings()

    asked = [("/ops/", otto), ("/ops/", olga), ("/ops/?status=done", olga), ("/ops/", staff)]
    told = await asyncio.gather(*(shared.pieces(SCOPE, address, who) for address, who in asked))

    assert made == [("/ops/", "otto"), ("/ops/?status=done", "olga"), ("/ops/", "stella")]
    assert [pieces["at"] for pieces in told] == [address for address, _ in asked]
