"""Authentication by bearer token, with the limit on requests."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from ninja.security import HttpBearer

from conversations.models import ApiToken
from streaming.coordination.database import in_database
from streaming.coordination.user_limits import count_request
from streaming.telemetry import correlation


class ApiRequest(HttpRequest):
    auth: ApiToken


class TokenBearer(HttpBearer):
    def __call__(self, request: HttpRequest) -> Any:
        """Overridden because with DEBUG, ninja logs headers of any other scheme, including tokens."""
        scheme, _, token = request.headers.get(self.header, "").partition(" ")
        return self.authenticate(request, token.strip()) if scheme.lower() == self.openapi_scheme else None

    async def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """None if the token is invalid. Raises TooManyRequests, DatabaseError."""
        found = await in_database(token_of, token)
        if found is not None:
            correlation.add(user=found.user_id)
        return found


def token_of(secret: str) -> ApiToken | None:
    token = ApiToken.objects.with_secret(secret)
    if token is not None:
        count_request(token.user_id)
        token.record_use()
    return token


def user_of(request: ApiRequest) -> AbstractBaseUser:
    return request.auth.user
