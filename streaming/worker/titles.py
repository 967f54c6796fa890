"""Names conversations: a model makes a title from the first question, in the background, if the budget pays for it."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction

from conversations.models import Conversation, Generation
from conversations.models.billing import ledger
from conversations.models.billing.budget import Limits
from conversations.models.billing.ledger import Purpose, Reservation
from conversations.models.chat.conversation import UNTITLED
from conversations.models.chat.message import Role
from conversations.models.chat.titles import title_of
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageResult, StageStatus
from streaming.model_servers.pool import Candidate, ModelServers
from streaming.model_servers.vllm.errors import ModelServerError
from streaming.model_servers.vllm.wire import Usage
from streaming.planning.budgets import prices_of
from streaming.planning.estimate import most_tokens
from streaming.planning.prompts import TITLE_MAX_TOKENS, clean_title, title_body
from streaming.planning.tiers import known_tiers

from .runner import Runner

logger = logging.getLogger(__name__)

TITLE_TIMEOUT_S = 30.0
TRIES = 2  # model servers that are asked for one title


def name_conversation(generation_id: UUID, runner: Runner) -> None:
    """Does nothing if it has a title. Without a model's title, the question's first words serve."""
    conversation = Conversation.objects.filter(messages__generations=generation_id, title=UNTITLED).first()
    first = conversation and conversation.messages.filter(role=Role.USER).first()
    if not (conversation and first) or conversation.titled_by_hand:
        return
    is_answered = Generation.objects.filter(pk=generation_id, status=Status.DONE).exists()
    title = paid_title(conversation.owner_id, first.text, runner) if is_answered else ""
    conversation.entitle(title) or conversation.entitle(title_of(first.text))


def paid_title(owner_id: int, question: str, runner: Runner) -> str:
    """Empty if the budget does not suffice, or no model gives one. What it costs is in the ledger."""
    entry_id = uuid4()
    with transaction.atomic():
        if not ledger.reserve(entry_id, Limits.of(owner_id), [dearest(question)], Purpose.TITLE):
            return ""
    title, outcome = runner.await_blocking(partial(title_from_model, question))
    ledger.settle({entry_id: {0: outcome}}, are_over=True)
    return title


def dearest(question: str) -> Reservation:
    """What a title by the cheapest tier costs at most. Routing saves nothing here, so none is recorded."""
    tier = known_tiers()[0]
    prices = prices_of(tier)
    tokens_in = sum(most_tokens(message["content"]) for message in title_body(question, tier.model)["messages"])
    return Reservation(0, tier.slug, tier.model, prices, prices, tokens_in, TITLE_MAX_TOKENS)


async def title_from_model(question: str, servers: ModelServers) -> tuple[str, StageResult]:
    """And what it took; empty if no model server answers, or with nothing of use."""
    failed: list[Candidate] = []
    while len(failed) < TRIES:
        route = None
        try:
            async with servers.acquire(failed) as route:
                reply = await servers.whole(route, title_body(question, route.model), TITLE_TIMEOUT_S)
        except ModelServerError as error:
            logger.warning("no title from the model: %s", error)
            if route is None:
                break
            failed.append(route)
        else:
            usage = reply.usage or Usage()
            tokens = (usage.prompt_tokens or None, usage.cached_tokens, usage.completion_tokens)
            outcome = StageResult(StageStatus.DONE, route.model, route.server.key, route.tier.slug, *tokens)
            is_cut = reply.finish_reason == "length"  # in its thinking perhaps, which need not look like any
            return "" if is_cut else clean_title(reply.text), outcome
    return "", StageResult(StageStatus.FAILED)
