"""Operators' pages rendered without a request of a browser's, for the socket: only their data-live pieces.

Operators who may see the same and look at the same address share one rendering. So no piece may have anything of one
user's: no form, whose token is its user's. A button may stand in a piece; its form stands outside.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from io import BytesIO
from itertools import accumulate
from typing import Any
from urllib.parse import unquote, urlsplit

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404
from django.urls import Resolver404, ResolverMatch, resolve

from streaming.coordination.database import in_database

from .access import PERMISSION

LIVE_PAGES = frozenset(  # names of addresses
    {
        *("ops", "ops-generations", "ops-generation", "ops-latency", "ops-history"),
        *("ops-servers", "ops-processes", "ops-alerts", "ops-cost"),
    }
)
LONGEST_ADDRESS = 2000
FRESH_S = 1.5  # for so long a rendering serves all who ask for it

Pieces = dict[str, str]  # name → HTML


class NotLive(Exception):
    """No operators' page that renews itself is at this address, or not for this user."""


@dataclass(frozen=True)
class Operator:
    user: User
    may: frozenset[str]  # permissions: who has the same ones sees the same
    is_staff: bool


class Renderings:
    """Of one process. One at a time: chat pages need the database's threads too."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[float, Pieces]] = {}
        self._turn = asyncio.Lock()

    async def pieces(self, scope: dict[str, Any], address: str, operator: Operator) -> Pieces:
        """Raises NotLive, and what else the page's view raises."""
        key = (address, operator.may, operator.is_staff)
        async with self._turn:
            now = time.monotonic()
            self._known = {known: kept for known, kept in self._known.items() if now - kept[0] < FRESH_S}
            if key not in self._known:
                self._known[key] = (now, await in_database(render, scope, address, operator.user))
            return self._known[key][1]


def operator_of(user_id: int) -> Operator | None:
    """None if this user may not see operators' pages, or not any more. Three queries."""
    user = get_user_model().objects.filter(pk=user_id).first()
    if user is None or not user.has_perm(PERMISSION):
        return None
    return Operator(user, frozenset(user.get_all_permissions()), user.is_staff)


def match_of(address: str) -> ResolverMatch:
    """Raises NotLive."""
    try:
        parts = urlsplit(address)
        match = resolve(unquote(parts.path))
    except (Resolver404, ValueError) as error:
        raise NotLive(address) from error
    if parts.netloc or match.url_name not in LIVE_PAGES or len(address) > LONGEST_ADDRESS:
        raise NotLive(address)
    return match


def render(scope: dict[str, Any], address: str, user: User) -> Pieces:
    """As the user's browser would get it. Raises NotLive, also for a generation that was purged meanwhile."""
    match, parts = match_of(address), urlsplit(address)
    of_page = {"method": "GET", "path": unquote(parts.path), "query_string": parts.query.encode()}
    headers = [(name, value) for name, value in scope["headers"] if name == b"host"]  # no cookies: others see it too
    request = ASGIRequest({**scope, **of_page, "headers": headers}, BytesIO())
    request.user = user
    request.resolver_match = match
    try:
        response = match.func(request, *match.args, **match.kwargs)
    except (Http404, PermissionDenied) as error:
        raise NotLive(type(error).__name__) from error
    if response.status_code != 200:
        raise NotLive(f"status {response.status_code}")
    return pieces_of(response.content.decode())


def pieces_of(html: str) -> Pieces:
    parser = Finder(html)
    parser.feed(html)
    parser.close()
    return parser.pieces


class Finder(HTMLParser):
    """Cuts what is inside of elements with a data-live name out of a page. They do not stand inside of each other."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces: Pieces = {}
        self._html = html
        self._lines = [0, *accumulate(len(line) + 1 for line in html.split("\n"))]
        self._name = self._tag = ""  # of the piece that is being read
        self._start = self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("data-live")
        if self._tag:
            self._depth += tag == self._tag
        elif name:
            self._name, self._tag, self._depth = name, tag, 1
            self._start = self._offset() + len(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag != self._tag:
            return
        self._depth -= 1
        if self._depth == 0:
            self.pieces[self._name] = self._html[self._start : self._offset()]
            self._tag = ""

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


_renderings: Renderings | None = None


def renderings() -> Renderings:
    """This process's."""
    global _renderings
    if _renderings is None:
        _renderings = Renderings()
    return _renderings
