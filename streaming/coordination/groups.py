"""Hints through the channel layer: "look again". They may be lost: none carries content, none is the only way."""

from __future__ import annotations

import logging
from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def user_group(user_id: int) -> str:
    """All open pages of a user."""
    return f"pages.{user_id}"


class GroupConsumer(AsyncWebsocketConsumer):
    """Passes over hints that it has no method for: a process of another version sent them.

    Channels' own dispatch looks after database connections that ours has none of, in a thread, for each message. A
    task that is cancelled meanwhile goes on as if nothing had been (asgiref's ``SyncToAsync``): the socket's, for ever.
    """

    async def dispatch(self, message: dict[str, Any]) -> None:
        if handler := getattr(self, get_handler_name(message), None):  # type: ignore[no-untyped-call]
            await handler(message)
        else:
            logger.debug("unknown broadcast %s", message["type"])


async def send_to_group(group: str, kind: str, **fields: Any) -> None:
    """Call ``kind`` (dots become underscores) on every consumer of the group that hears of it."""
    layer = get_channel_layer()  # type: ignore[no-untyped-call]
    assert layer is not None
    try:
        await layer.group_send(group, {"type": kind, **fields})
    except (RedisError, OSError) as error:
        logger.warning("broadcast %s for %s was lost: %s", kind, group, error)
