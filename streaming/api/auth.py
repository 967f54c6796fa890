"""Who asks: the bearer of a token, and not too often."""

from __future__ import annotations

import time
from collections import deque

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from ninja.security import HttpBearer

from conversations.models import ApiToken
from streaming import correlation
from streaming.database import in_database
from streaming.rate_limit import WINDOW_S as RATE_WINDOW_S

from .errors import TooMany


class ApiRequest(HttpRequest):
    auth: ApiToken


class TokenBearer(HttpBearer):
    def __init__(self) -> None:
        super().__init__()
        self._rates = Rates()

    async def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """None if it is not valid. Raises TooMany, DatabaseError."""
        found = await in_database(token_of, token)
        if found is not None:
            correlation.add(user=found.user_id)
            self._rates.count(found.pk)
        return found


class Rates:
    """Requests of each token in the last seconds, by this process: as many as a socket may have commands."""

    def __init__(self) -> None:
        self._moments: dict[int, deque[float]] = {}

    def count(self, token_id: int) -> None:
        """Raises TooMany."""
        now = time.monotonic()
        self._forget_before(now - RATE_WINDOW_S)
        moments = self._moments.setdefault(token_id, deque())
        if len(moments) >= settings.COMMANDS_PER_10_S:
            raise TooMany(moments[0] + RATE_WINDOW_S - now)
        moments.append(now)

    def _forget_before(self, limit: float) -> None:
        for token_id, moments in list(self._moments.items()):
            while moments and moments[0] < limit:
                moments.popleft()
            if not moments:
                del self._moments[token_id]


def token_of(secret: str) -> ApiToken | None:
    token = ApiToken.objects.with_secret(secret)
    if token is not None:
        token.note_use()
    return token


def user_of(request: ApiRequest) -> AbstractBaseUser:
    return request.auth.user
