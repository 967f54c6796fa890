"""Settles rows left reserved: of answers stored without statistics or erased while written, and of lost titles."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from conversations import site_time
from conversations.models.generation.generation import Generation
from conversations.models.generation.plan import StageResult, StageResults, StageStatus

from . import ledger
from .ledger import EntryState, LedgerEntry, Purpose

SETTLED_AT_ONCE = 100  # generations
# A title's row belongs to no generation, so only its age shows that it was abandoned.
TITLE_TAKES = timedelta(minutes=2)  # at most


def settle_ended() -> int:
    """Settle by the stored stage results, and return the number of rows. Usually, finishing a generation settles it."""
    settled = 0
    while found := left_over()[:SETTLED_AT_ONCE]:
        ended = {pk: outcomes_of(pk) for pk in found}
        settled += ledger.settle(ended, are_over=True)
    return settled


def left_over() -> list[UUID]:
    """Ids of ended or erased generations with reserved rows. Two queries."""
    reserved = LedgerEntry.objects.filter(state=EntryState.RESERVED).order_by("generation_id")
    reserved = reserved.exclude(purpose=Purpose.TITLE, created_at__gt=site_time.now() - TITLE_TAKES)
    ids = list(reserved.values_list("generation_id", flat=True).distinct())
    unfinished = set(Generation.objects.unfinished().filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    return [pk for pk in ids if pk not in unfinished]


def outcomes_of(generation_id: UUID) -> StageResults:
    generation = Generation.objects.filter(pk=generation_id).first()
    return generation.stage_results if generation else unknown(generation_id)


def unknown(generation_id: UUID) -> StageResults:
    """Results for an answer that was erased while it was written. Its usage is unknown, so it costs what was
    reserved."""
    rows = LedgerEntry.objects.filter(generation_id=generation_id, state=EntryState.RESERVED)
    return {
        row.stage: StageResult(StageStatus.STOPPED, prompt_tokens=row.tokens_in, completion_tokens=row.tokens_out)
        for row in rows
    }
