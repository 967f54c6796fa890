"""The user of a socket's session.

Channels accepts only sessions signed with the current SECRET_KEY and flushes any other, so a key change would sign out
everybody with an open page. Like Django's pages, we also accept the keys in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

from typing import Any

from channels.auth import AuthMiddleware
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.crypto import constant_time_compare

from streaming.coordination.database import in_database


class SessionUser(AuthMiddleware):
    async def resolve_scope(self, scope: dict[str, Any]) -> None:
        session = scope["session"]
        scope["user"]._wrapped = await in_database(user_of, session) if session.session_key else AnonymousUser()


def with_user(application: Any) -> Any:
    return CookieMiddleware(SessionMiddleware(SessionUser(application)))


def user_of(session: Any) -> AbstractBaseUser | AnonymousUser:
    """Does not flush an invalid session: the next page request does, which can also delete the cookie."""
    pk, signed = session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)
    user = get_user_model().objects.filter(pk=pk, is_active=True).first() if pk and signed else None
    if user is None or not any(constant_time_compare(signed, known) for known in auth_hashes(user)):
        return AnonymousUser()
    return user


def auth_hashes(user: AbstractBaseUser) -> list[str]:
    """Hashes of the user's password, with the current SECRET_KEY and with the earlier ones."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
