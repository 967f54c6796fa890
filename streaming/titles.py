"""Names conversations: the model makes a title from the first question, in the background."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from conversations.models import Conversation
from conversations.models.conversation import UNTITLED
from conversations.models.message import Role
from streaming.hints import conversation_group, hint, user_group
from streaming.model_servers import ModelServers
from streaming.prompts import clean_title, title_body
from streaming.vllm.client import complete
from streaming.vllm.errors import ModelServerError
from streaming.worker.runner import Runner

logger = logging.getLogger(__name__)

TITLE_TIMEOUT_S = 30.0


def entitle(generation_id: UUID, runner: Runner) -> None:
    """Does nothing if it has a title. Without a model's title, the question's first words serve."""
    conversation = Conversation.objects.filter(messages__generations=generation_id, title=UNTITLED).first()
    first = conversation and conversation.messages.filter(role=Role.USER).first()
    if not (conversation and first) or conversation.titled_by_hand:
        return
    title = runner.await_blocking(partial(title_from_model, first.text)) or first_words(first.text)
    if conversation.entitle(title):
        runner.await_blocking(lambda _: announce(conversation, title))


async def announce(conversation: Conversation, title: str) -> None:
    await hint(conversation_group(conversation.pk), "conversation.titled", title=title)
    await hint(user_group(conversation.owner_id), "sidebar.changed")


async def title_from_model(question: str, servers: ModelServers) -> str:
    """Empty if the model server does not answer, or with nothing of use."""
    try:
        async with servers.chosen() as target:
            body = title_body(question, target.model)
            return clean_title(await complete(servers.http, target.server, body, TITLE_TIMEOUT_S))
    except ModelServerError as error:
        logger.warning("no title from the model: %s", error)
        return ""


def first_words(question: str, limit: int = 48) -> str:
    """The beginning of the question, cut at a word's end."""
    line = " ".join(question.split())
    return line if len(line) <= limit else line[:limit].rpartition(" ")[0] + "…"
