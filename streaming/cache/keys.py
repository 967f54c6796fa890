"""Which requests are the same, and whose answers may serve another one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from django.conf import settings

from conversations.models.catalog.tier import Caches
from streaming.model_servers.pool import Route
from streaming.planning.tiers import TierSpec

from .response_cache import SHARED

HOW_IT_IS_SENT = ("stream", "stream_options")  # the answer does not depend on it
_encode = msgspec.json.Encoder(order="deterministic").encode


def key_of(target: Route, body: Mapping[str, Any], user_id: int) -> str | None:
    """The same for requests that may share an answer; None if this one must have its own.

    The tier and its server are in it: two servers may call different models by the same name.
    """
    if not may_be_shared(target.tier, body):
        return None
    asked = {name: value for name, value in body.items() if name not in HOW_IT_IS_SENT}
    whose = SHARED if target.tier.cache_across_users else user_id
    digest = hashlib.sha256(_encode([target.tier.slug, target.tier.server.base_url, asked])).hexdigest()
    return f"{whose}:{digest}"


def may_be_shared(tier: TierSpec, body: Mapping[str, Any]) -> bool:
    if not settings.RESPONSE_CACHE or "continue_final_message" in body:  # the rest of a text, which others do not have
        return False
    return tier.caches == Caches.ALWAYS or (tier.caches == Caches.AT_ZERO and body["temperature"] == 0)
