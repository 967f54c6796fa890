"""One generation as operators see it: all moments and stats, no text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from conversations import site_time
from conversations.models import Generation, GenerationTiming
from conversations.models.generation.plan import Plan, PlannedStage, StageResult
from streaming.operations.charts.moments import in_words, is_browser_believed, moments_of
from streaming.operations.charts.waterfall import GRID, WIDTH, beginning, whole
from streaming.operations.health.stuck import RULE
from streaming.operations.queries.filters import NEVER_READ

from .access import for_operators
from .fragments import served_as_fragment
from .generations import Listed, with_live_state


@dataclass(frozen=True)
class Hop:
    """The size of an answer on one hop of its way."""

    name: str
    bytes: int | None
    ratio: float | None  # to the text's own bytes


@dataclass(frozen=True)
class StageRow:
    stage: PlannedStage
    outcome: StageResult

    @property
    def timings(self) -> str:
        """The model server's own timings of the request; empty if it reported none."""
        return " · ".join(f"{name} {in_words(ms)}" for name, ms in self.outcome.server_ms.items())


@require_safe
@for_operators
@served_as_fragment
def generation(request: HttpRequest, pk: UUID) -> HttpResponse:
    (row,) = with_live_state([get_object_or_404(readable(), pk=pk)])
    return render(request, "operations/generation.html", context_of(row))


def readable() -> QuerySet[Generation]:
    rows = Generation.objects.select_related("message__conversation__owner", "timing", "stopped_by")
    return rows.defer(*NEVER_READ)


def context_of(row: Listed) -> dict[str, object]:
    generation, now = row.generation, site_time.now()
    plan = generation.stage_plan
    outcomes = generation.stage_results
    known = sorted(moments_of(generation).values(), key=lambda moment: moment.at)
    return {
        "live": row.is_unfinished,
        "row": row,
        "generation": generation,
        "timing": row.timing,
        "at": now,
        "moments": known,
        "doubts_browser": generation.clicked_at and not is_browser_believed(generation, received_at(row.timing)),
        "pictures": [("beginning", beginning(generation, now)), ("whole", whole(generation, now))],
        "width": WIDTH,
        "grid": GRID,
        "hops": hops(row.timing),
        "stages": [StageRow(stage, outcomes[stage.number]) for stage in plan.stages if stage.number in outcomes]
        if plan
        else [],
        "cached_tokens": total_cached(list(outcomes.values())),
        "reasons": reasons_without_words(plan) if plan else (),
        "rule": RULE,
    }


def reasons_without_words(plan: Plan) -> tuple[str, ...]:
    """The router's reasons without user text: the first reason quotes the question, so the scores replace it."""
    if not plan.scores:
        return plan.reasons
    return (f"The question was scored: {plan.scores_in_words}.", *plan.reasons[1:])


def received_at(timing: GenerationTiming | None) -> datetime | None:
    return timing.received_at if timing else None


def total_cached(outcomes: list[StageResult]) -> int | None:
    """None if no server reported it."""
    known = [outcome.cached_tokens for outcome in outcomes if outcome.cached_tokens is not None]
    return sum(known) if known else None


def hops(timing: GenerationTiming | None) -> list[Hop]:
    if timing is None:
        return []
    ways = {
        "Text": timing.text_bytes,
        "To Redis, for the log": timing.redis_bytes,
        "To the database": timing.database_bytes,
        "To browsers, in frames": timing.socket_bytes,
    }
    whole = timing.text_bytes
    return [Hop(name, size, size / whole if size is not None and whole else None) for name, size in ways.items()]
