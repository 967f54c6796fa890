"""The current tiers: those that admins entered, else those of the environment, else one named "default".

A tier that has become invalid breaks no answer: it is left out, and reported in the log and by
`check --database default`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import DatabaseError

from conversations.catalog.addresses import RefusedAddress, normalise
from conversations.models import Tier
from conversations.models.catalog.tier import Caches
from conversations.models.encrypted import WHY_UNREADABLE, unreadable_fields
from streaming.model_servers.vllm.client import ModelServer

logger = logging.getLogger(__name__)

DEFAULT = "default"
INSTEAD = "Answers come from the model servers of the environment."


@dataclass(frozen=True)
class TierSpec:
    """A tier with the site's settings filled in where it has none of its own."""

    name: str
    slug: str
    order: int  # 0: the cheapest
    model: str  # empty: the first that the server lists
    server: ModelServer
    temperature: float
    top_p: float
    max_tokens: int
    first_token_timeout_s: float
    silence_timeout_s: float
    price_in: Decimal = Decimal(0)  # per million tokens
    price_out: Decimal = Decimal(0)
    price_cached: Decimal | None = None  # for cached prompt tokens; None: price_in
    context_length: int | None = None  # None: what the server reports
    streams: bool = True  # False: requests are not streamed
    max_parallel: int | None = None  # requests to this server per worker; None: no limit
    others: tuple[ModelServer, ...] = ()  # further servers of this tier
    caches: str = Caches.AT_ZERO
    cache_across_users: bool = False
    server_label: str = ""  # what admins call the server


def current_tiers() -> list[TierSpec]:
    """The cheapest first; never empty. Logs problems. One query."""
    tiers = list(Tier.objects.select_related("server"))
    for problem in problems_of(tiers):
        logger.warning(problem)
    return usable(tiers)


def usable(tiers: Iterable[Tier]) -> list[TierSpec]:
    return [spec_of(tier) for tier in tiers if tier.enabled and not problem_with(tier)] or environment_tiers()


def known_tiers() -> list[TierSpec]:
    """Like current_tiers, without logging problems; those of the environment if the database is unreachable. One
    query."""
    try:
        return stored_tiers()
    except DatabaseError:
        return environment_tiers()


def stored_tiers() -> list[TierSpec]:
    """Those of the environment only if no tier that admins entered is usable. One query. Raises DatabaseError."""
    return usable(Tier.objects.select_related("server"))


def stored_problems() -> list[str]:
    """Returns sentences for operators: why tiers that admins entered are not used. One query."""
    tiers = list(Tier.objects.select_related("server"))
    problems = problems_of(tiers)
    if tiers and not any(tier.enabled for tier in tiers):
        problems.append(f"None of the tiers that admins entered is enabled. {INSTEAD}")
    return problems


def problems_of(tiers: Iterable[Tier]) -> list[str]:
    """Returns the problems of the enabled tiers."""
    enabled = [tier for tier in tiers if tier.enabled]
    problems = [problem for tier in enabled if (problem := problem_with(tier))]
    if problems and len(problems) == len(enabled):
        problems.append(f"No tier that admins entered can be used. {INSTEAD}")
    return problems


def problem_with(tier: Tier) -> str:
    """Returns a sentence; empty if there is no problem."""
    if not tier.server.enabled:
        return f"The tier “{tier}” is left out: its server “{tier.server}” is disabled."
    if unreadable_fields(tier.server):
        return f"The tier “{tier}” is left out: the key of its server “{tier.server}” {WHY_UNREADABLE}"
    try:
        normalise(tier.server.url)
    except RefusedAddress as error:
        return f"The tier “{tier}” is left out: the address of its server “{tier.server}” cannot be used. {error}"
    return ""


def spec_of(tier: Tier) -> TierSpec:
    return TierSpec(
        name=tier.name,
        slug=tier.slug,
        order=tier.order,
        model=tier.model,
        server=ModelServer(tier.server.url, tier.server.api_key),
        temperature=own(tier.temperature, settings.VLLM_TEMPERATURE),
        top_p=own(tier.top_p, settings.VLLM_TOP_P),
        max_tokens=int(own(tier.max_tokens, settings.VLLM_MAX_TOKENS)),
        first_token_timeout_s=own(tier.first_token_timeout_s, settings.VLLM_FIRST_TOKEN_TIMEOUT_S),
        silence_timeout_s=own(tier.silence_timeout_s, settings.VLLM_SILENCE_TIMEOUT_S),
        price_in=tier.price_in,
        price_out=tier.price_out,
        price_cached=tier.price_cached,
        context_length=tier.context_length,
        streams=tier.server.streams,
        max_parallel=tier.server.max_parallel,
        caches=tier.caches,
        cache_across_users=tier.cache_across_users,
        server_label=tier.server.name,
    )


def own(value: float | None, sites: float) -> float:
    """The tier's own value, zero included; else the site's."""
    return sites if value is None else value


def environment_tiers() -> list[TierSpec]:
    """Those of NANO_MODEL to GENIUS_MODEL that are set, or one for the servers of VLLM_BASE_URL."""
    tiers = [
        plain(slug, order, model, [url]) for order, (slug, (model, url)) in enumerate(settings.MODEL_TIERS.items())
    ]
    return tiers or [plain(DEFAULT, 0, settings.VLLM_MODEL, settings.VLLM_BASE_URLS)]


def plain(slug: str, order: int, model: str, urls: list[str]) -> TierSpec:
    """Returns a tier without prices, with the site's settings."""
    server, *others = (ModelServer(url.rstrip("/"), settings.VLLM_API_KEY) for url in urls)
    return TierSpec(
        name=slug.capitalize(),
        slug=slug,
        order=order,
        model=model,
        server=server,
        temperature=settings.VLLM_TEMPERATURE,
        top_p=settings.VLLM_TOP_P,
        max_tokens=settings.VLLM_MAX_TOKENS,
        first_token_timeout_s=settings.VLLM_FIRST_TOKEN_TIMEOUT_S,
        silence_timeout_s=settings.VLLM_SILENCE_TIMEOUT_S,
        others=tuple(others),
    )
