"""The socket of a reviewer's page. It is told that the conversation, or what reviewers say of it, may have changed, and
fetches what it shows of that."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import User
from redis.exceptions import RedisError

from conversations.review.admin import PERMISSION
from streaming.coordination.database import in_database
from streaming.coordination.groups import GroupConsumer, review_group
from streaming.live.window import Window
from streaming.protocol import CLOSE_NOT_SIGNED_IN, CLOSE_TOO_MANY

from .open_sockets import sockets
from .origin import is_same_origin
from .rate_limit import RateLimit

logger = logging.getLogger(__name__)


class ReviewConsumer(GroupConsumer):
    async def connect(self) -> None:
        self.window = Window()
        self._rate = RateLimit()
        if not is_same_origin(self.scope):
            await self.close()
            return
        await self.accept()
        self.user = self.scope["user"]
        if not await in_database(may_review, self.user):
            await self.close(CLOSE_NOT_SIGNED_IN)
            return
        sockets().add_operators(self)
        group = review_group(self.scope["url_route"]["kwargs"]["conversation_id"])
        self.groups = [group]  # Channels leaves it at the end
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("group %s was not joined: %s", group, error)
        await self.conversation_changed({})  # since the page was made, perhaps

    async def disconnect(self, code: int) -> None:
        sockets().discard(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """It has nothing to say."""
        if self._rate.is_exceeded():
            await self.close(CLOSE_TOO_MANY)

    async def conversation_changed(self, message: dict[str, Any]) -> None:
        await self.send(text_data='{"type":"changed"}')


def may_review(user: Any) -> bool:
    return isinstance(user, User) and user.has_perm(PERMISSION)
