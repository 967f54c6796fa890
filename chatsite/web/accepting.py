"""Tells the server whether an accepted socket's user is signed in: what a page may send depends on that."""

from __future__ import annotations

from typing import Any

from chatsite.failures import Application

SIGNED_IN = "signed_in"  # in the message that accepts a socket


def with_sign_in_state(application: Application) -> Application:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        async def send_with_user(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.accept":
                message = {**message, SIGNED_IN: scope["user"].is_authenticated}
            await send(message)

        await application(scope, receive, send_with_user)

    return serve
