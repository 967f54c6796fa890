"""Messages as HTML, cached by a hash of the text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django import template
from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.utils.safestring import SafeString, mark_safe

from conversations.models import Generation, Message
from conversations.models.chat.message import PartKey, PartKind
from conversations.models.generation.confidence import Confidence
from conversations.models.generation.plan import StageStatus
from conversations.models.generation.timeline import moments
from conversations.rendering import RENDERER_VERSION, HighlightBudget, render_blocks

# Text that was rendered without highlighting because the machine was busy is rendered again after this time.
SHORTLY_S = 60

register = template.Library()


@register.simple_tag
def blocks_of(message: Message) -> list[SafeString]:
    """The top-level blocks of the text; none while it is being written, since the page gets them over the socket."""
    if message.state in ("queued", "streaming"):
        return []
    return [mark_safe(html) for html in rendered(message.text)]


def rendered(text: str) -> list[str]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    key = f"blocks:{RENDERER_VERSION}:{digest}"
    cache = caches["rendered"]
    found: list[str] | None = cache.get(key)
    if found is None:
        budget = HighlightBudget()
        found = render_blocks(text, budget)
        cache.set(key, found, SHORTLY_S if budget.gave_up else DEFAULT_TIMEOUT)
    return found


@dataclass(frozen=True)
class StageView:
    """A stage of a finished answer."""

    number: int
    label: str
    status: str
    is_shown: bool
    text: str
    thinking: str
    confidence: Confidence | None
    low_confidence_spans: list[list[int]]  # [from, to] in code units of the text

    @property
    def word(self) -> str:
        """The status in words; empty if the stage is complete."""
        return "" if self.status in ("", StageStatus.DONE) else str(StageStatus(self.status).label)

    @property
    def blocks(self) -> list[SafeString]:
        return [mark_safe(html) for html in rendered(self.text)]


@register.simple_tag
def stages_of(message: Message) -> list[StageView]:
    """The stages that wrote something, in order. Empty if the answer has one stage: pages then show just the answer."""
    views = stage_views(message)
    plan = message.generation.stage_plan if message.generation else None
    return [view for view in views if view.text or view.thinking] if plan and plan.is_staged else []


@register.simple_tag
def shown_stage_of(message: Message) -> StageView | None:
    """The stage whose text is the answer; None before the answer is planned."""
    return next((view for view in stage_views(message) if view.is_shown), None)


def stage_views(message: Message) -> list[StageView]:
    generation = message.generation
    plan = generation.stage_plan if generation else None
    if generation is None or plan is None:
        return []
    texts, outcomes, shown = message.texts(), generation.stage_results, message.shown_stage
    return [
        StageView(
            number=stage.number,
            label=stage.label,
            status=outcomes[stage.number].status if stage.number in outcomes else "",
            is_shown=stage.number == shown,
            text=texts.get(PartKey(stage.number, PartKind.TEXT), ""),
            thinking=texts.get(PartKey(stage.number, PartKind.THINKING), ""),
            confidence=outcomes[stage.number].confidence if stage.number in outcomes else None,
            low_confidence_spans=outcomes[stage.number].low_confidence_spans if stage.number in outcomes else [],
        )
        for stage in plan.stages
    ]


@dataclass(frozen=True)
class Moment:
    name: str
    at: datetime
    after_s: float  # since acceptance


@register.simple_tag
def moments_of(generation: Generation) -> list[Moment]:
    accepted = generation.accepted_at
    return [
        Moment(name.replace("_", " ").capitalize(), at, (at - accepted).total_seconds())
        for name, at in moments(generation)
    ]
