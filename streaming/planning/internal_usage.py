"""Requests that the site makes for itself: allowed only within its budget, and recorded."""

from __future__ import annotations

import logging

from django.db import DatabaseError

from conversations.models.billing import internal_usage
from conversations.models.billing.internal_usage import Spent
from conversations.models.billing.ledger import Purpose
from streaming.coordination.database import in_database
from streaming.model_servers.vllm.wire import Usage

from .budgets import prices_of
from .tiers import TierSpec

logger = logging.getLogger(__name__)


async def may_ask(tier: TierSpec) -> bool:
    """True for free tiers; for others, False if the budget is used up or the database is unreachable."""
    if prices_of(tier).is_free:
        return True
    try:
        return await in_database(internal_usage.may_spend)
    except DatabaseError as error:
        logger.warning("the site's remaining budget is unknown: %s", error)
        return False


async def record(purpose: Purpose, tier: TierSpec, model: str, usage: Usage | None) -> None:
    """Records the usage that the server counted. Never raises."""
    if usage is None or prices_of(tier).is_free:
        return
    tokens_out, cached = usage.completion_tokens or 0, usage.cached_tokens or 0
    spent = Spent(purpose, tier.slug, model, prices_of(tier), usage.prompt_tokens, tokens_out, cached)
    try:
        await in_database(internal_usage.record, spent)
    except DatabaseError as error:
        logger.warning("%s of %s was not recorded: %s", purpose, tier.slug, error)
