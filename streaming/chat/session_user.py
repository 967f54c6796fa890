"""Who a socket's session belongs to.

Channels asks for a session that was signed with the present SECRET_KEY, and ends any other: a change of the key would
sign out everybody whose page is open. Django's pages take the earlier keys of SECRET_KEY_FALLBACKS too, and so do we.
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
    """Ends no session: that is for the next page to do, which can tell the browser."""
    pk, signed = session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)
    user = get_user_model().objects.filter(pk=pk, is_active=True).first() if pk and signed else None
    if user is None or not any(constant_time_compare(signed, known) for known in auth_hashes(user)):
        return AnonymousUser()
    return user


def auth_hashes(user: AbstractBaseUser) -> list[str]:
    """Of its password, by the present SECRET_KEY and by the earlier ones."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
