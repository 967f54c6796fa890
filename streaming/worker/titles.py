"""Names conversations: a model makes a title from the first question, in the background, if the budget allows it."""

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
TRIES = 2  # model servers asked for one title


def name_conversation(generation_id: UUID, runner: Runner) -> None:
    """Does nothing if the conversation has a title. Falls back to the question's first words."""
    conversation = Conversation.objects.filter(messages__generations=generation_id, title=UNTITLED).first()
    first = conversation and conversation.messages.filter(role=Role.USER).first()
    if not (conversation and first) or conversation.titled_by_hand:
        return
    is_answered = Generation.objects.filter(pk=generation_id, status=Status.DONE).exists()
    title = paid_title(conversation.owner_id, first.text, runner) if is_answered else ""
    conversation.entitle(title) or conversation.entitle(title_of(first.text))


def paid_title(owner_id: int, question: str, runner: Runner) -> str:
    """Returns a model's title; empty if the budget does not cover it or no model gives one. Records its cost in the
    ledger."""
    entry_id = uuid4()
    with transaction.atomic():
        if not ledger.reserve(entry_id, Limits.of(owner_id), [dearest(question)], Purpose.TITLE):
            return ""
    title, outcome = runner.await_blocking(partial(title_from_model, question))
    ledger.settle({entry_id: {0: outcome}}, are_over=True)
    return title


def dearest(question: str) -> Reservation:
    """Returns the largest price of a title by the cheapest tier. Routing saves nothing here, so no saving is
    recorded."""
    tier = known_tiers()[0]
    prices = prices_of(tier)
    tokens_in = sum(most_tokens(message["content"]) for message in title_body(question, tier.model)["messages"])
    return Reservation(0, tier.slug, tier.model, prices, prices, tokens_in, TITLE_MAX_TOKENS)


async def title_from_model(question: str, servers: ModelServers) -> tuple[str, StageResult]:
    """Returns the title and the request's result; the title is empty if no model server gives a usable one."""
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
            # Cut off, perhaps within thinking that is not marked as such.
            is_cut = reply.finish_reason == "length"
            return "" if is_cut else clean_title(reply.text), outcome
    return "", StageResult(StageStatus.FAILED)
