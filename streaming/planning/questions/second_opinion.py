"""Asks the cheapest model how hard a question is: a fixed choice of words, and a short wait."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from conversations.models import Generation
from conversations.models.billing.ledger import Purpose
from conversations.models.catalog.pipeline import Level, Mode
from conversations.models.chat.message import PartKind
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.vllm.errors import ModelServerError
from streaming.planning import internal_usage

logger = logging.getLogger(__name__)

LEVELS = [level.value for level in Level]
LENGTH = 2000  # characters of the question that are rated
PROMPT = (
    "You judge questions. simple: a greeting, a fact, a short transformation, one step. medium: an explanation, a "
    "comparison, an ordinary function, a letter. complex: steps that build on each other, a proof, a design, a fault "
    "in long code, many constraints. Reply with one word: simple, medium or complex."
)


def question_to_judge(generation_id: UUID) -> str | None:
    """Returns the question; None if the user chose a mode other than Auto, or the stages are already planned. One
    query."""
    queued = Generation.objects.filter(pk=generation_id, mode=Mode.AUTO, plan__isnull=True)
    texts = queued.filter(message__parent__parts__kind=PartKind.TEXT)
    return texts.values_list("message__parent__parts__text", flat=True).first()


async def second_opinion(servers: ModelServers, question: str, patience_s: float) -> Level | None:
    """Returns None if no answer comes in time, or not one of the three levels. A late request ends by itself."""
    asking = asyncio.create_task(ask_for_level(servers, question, patience_s), name="second opinion")
    await asyncio.wait([asking], timeout=patience_s)
    return asking.result() if asking.done() else None


async def ask_for_level(servers: ModelServers, question: str, patience_s: float) -> Level | None:
    try:
        async with servers.acquire() as route:
            if not await internal_usage.may_ask(route.tier):
                return None
            reply = await servers.whole(route, body_for(question, route.model), patience_s)
    except ModelServerError as error:
        logger.info("no second opinion on a question: %s", error)
        return None
    await internal_usage.record(Purpose.OPINION, route.tier, route.model, reply.usage)
    word = reply.text.strip().lower()
    return Level(word) if word in LEVELS else None


def body_for(question: str, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": question[:LENGTH]}],
        "max_tokens": 8,
        "temperature": 0,
        "structured_outputs": {"choice": LEVELS},
        "chat_template_kwargs": {"enable_thinking": False},
    }
