"""Hints through the channel layer: "look again". They may be lost: none carries content, none is the only way."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def user_group(user_id: int) -> str:
    """All open pages of a user."""
    return f"pages.{user_id}"


def review_group(conversation_id: UUID | str) -> str:
    """All open pages of reviewers that show this conversation."""
    return f"review.{conversation_id}"


async def hint(group: str, kind: str, **fields: Any) -> None:
    """Call ``kind`` (dots become underscores) on every consumer of the group that hears of it."""
    layer = get_channel_layer()  # type: ignore[no-untyped-call]
    assert layer is not None
    try:
        await layer.group_send(group, {"type": kind, **fields})
    except (RedisError, OSError) as error:
        logger.warning("hint %s for %s was lost: %s", kind, group, error)
