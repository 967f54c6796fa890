"""Names conversations: the model makes a title from the first question, in the background."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from conversations.models import Conversation
from conversations.models.conversation import UNTITLED
from conversations.models.message import Role
from streaming.hints import conversation_group, hint_from_thread, user_group
from streaming.model_servers import ModelServers
from streaming.prompts import clean_title, title_body
from streaming.vllm.client import complete, http_client
from streaming.vllm.errors import ModelServerError

logger = logging.getLogger(__name__)

TITLE_TIMEOUT_S = 30.0


def entitle(conversation_id: UUID) -> None:
    """Does nothing if it has a title. Without a model's title, the question's first words serve."""
    conversation = Conversation.objects.filter(pk=conversation_id, titled_by_hand=False, title=UNTITLED).first()
    first = conversation and conversation.messages.filter(role=Role.USER).first()
    if not (conversation and first):
        return
    title = asyncio.run(title_from_model(first.text)) or first_words(first.text)
    if conversation.entitle(title):
        hint_from_thread(conversation_group(conversation_id), "conversation.titled", title=title)
        hint_from_thread(user_group(conversation.owner_id), "sidebar.changed")


async def title_from_model(question: str) -> str:
    """Empty if the model server does not answer, or with nothing of use."""
    async with http_client() as http:
        try:
            target = await ModelServers(http).choose()
            body = title_body(question, target.model)
            return clean_title(await complete(http, target.server, body, TITLE_TIMEOUT_S))
        except ModelServerError as error:
            logger.warning("no title from the model: %s", error)
            return ""


def first_words(question: str, limit: int = 48) -> str:
    """The beginning of the question, cut at a word's end."""
    line = " ".join(question.split())
    return line if len(line) <= limit else line[:limit].rpartition(" ")[0] + "…"
