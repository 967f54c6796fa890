"""The channel layer: broadcasts to open pages, and consumers that survive an outage of Redis.

A message may be lost: none carries content, and pages have other ways to learn of a change. Errors of channels_redis
would end the consumers and close their sockets.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import Any

from channels.layers import get_channel_layer
from channels_redis.core import RedisChannelLayer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

RETRY_DELAY_S = 0.5


class PatientChannelLayer(RedisChannelLayer):  # type: ignore[misc]  # channels_redis has no types
    """Receives nothing while Redis is unavailable; then channels rejoin their groups, which Redis may have lost."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._groups: defaultdict[str, set[str]] = defaultdict(set)  # by channel

    async def receive(self, channel: str) -> dict[str, Any]:
        is_back = True
        while True:
            try:
                if not is_back:
                    await self._join_again(channel)
                    is_back = True
                message: dict[str, Any] = await super().receive(channel)
                return message
            except (RedisError, OSError) as error:
                logger.debug("receiving on channel %s failed: %s", channel, error)
                is_back = False
                await asyncio.sleep(RETRY_DELAY_S)

    async def group_add(self, group: str, channel: str) -> None:
        """Raises RedisError, OSError; the channel joins nevertheless as soon as Redis is back."""
        self._groups[channel].add(group)
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Without Redis the group's entry stays until it expires; messages to it are dropped."""
        self._groups[channel].discard(group)
        if not self._groups[channel]:
            del self._groups[channel]
        try:
            await super().group_discard(group, channel)
        except (RedisError, OSError) as error:
            logger.debug("leaving group %s failed: %s", group, error)

    async def _join_again(self, channel: str) -> None:
        for group in list(self._groups.get(channel, ())):
            await super().group_add(group, channel)


def user_group(user_id: int) -> str:
    """All open pages of a user."""
    return f"pages.{user_id}"


async def send_to_group(group: str, kind: str, **fields: Any) -> None:
    """Call the method ``kind`` (dots become underscores) of every consumer in the group that receives the message."""
    layer = get_channel_layer()
    assert layer is not None
    try:
        await layer.group_send(group, {"type": kind, **fields})
    except (RedisError, OSError) as error:
        logger.warning("broadcast %s for %s was lost: %s", kind, group, error)
