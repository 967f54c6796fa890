"""Saves unfinished answers to the database, in case Redis is lost."""

from __future__ import annotations

import enum
import logging
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from conversations.models.billing import ledger
from conversations.models.chat.message import Part, PartKey
from conversations.models.database_errors import REFUSALS, in_short, is_away

from .generation import Generation
from .plan import StageResults

logger = logging.getLogger(__name__)


class Verdict(enum.Enum):
    """The result of a save for the attempt."""

    GO_ON = enum.auto()
    STOP = enum.auto()  # a stop was requested
    LOST = enum.auto()  # the generation has ended, or another attempt has claimed it


@dataclass(frozen=True)
class Partial:
    """An attempt's progress, to be saved."""

    generation: Generation
    texts: Mapping[PartKey, str] | None  # None: unchanged since the last save
    values: Mapping[str, Any]  # new or changed statistics, by field


def save_partials(partials: Collection[Partial]) -> dict[uuid.UUID, Verdict]:
    """Store the progress of many answers. If the database refuses one, saves that one without its statistics, and the
    others as usual. Raises Error while the database is unavailable."""
    try:
        return save_together(partials)
    except REFUSALS as error:
        if is_away(error):
            raise
        if len(partials) > 1:
            return {pk: verdict for one in partials for pk, verdict in save_partials([one]).items()}
        [refused] = partials
        return save_text_only(refused, error)


def save_text_only(partial: Partial, error: Exception) -> dict[uuid.UUID, Verdict]:
    pk = partial.generation.pk
    if not partial.values:
        logger.error("generation %s: partial text was not saved: %s", pk, in_short(error))
        return {pk: Verdict.GO_ON}
    logger.error("generation %s: statistics were not saved: %s", pk, in_short(error))
    return save_partials([replace(partial, values={})])


@transaction.atomic
def save_together(partials: Collection[Partial]) -> dict[uuid.UUID, Verdict]:
    """In one transaction: a few statements, and one more for each partial with statistics."""
    ids = [partial.generation.pk for partial in partials]
    unfinished = Generation.objects.filter(pk__in=ids).unfinished().select_for_update().order_by("pk")
    rows = {pk: row for pk, *row in unfinished.values_list("pk", "attempt", "stop_requested_at")}
    verdicts = dict.fromkeys(ids, Verdict.LOST)
    outcomes: dict[uuid.UUID, StageResults] = {}
    texts: dict[uuid.UUID, Mapping[PartKey, str]] = {}
    for partial in partials:
        generation = partial.generation
        attempt, stop_requested_at = rows.get(generation.pk, (None, None))
        if attempt != generation.attempt:
            continue
        verdicts[generation.pk] = Verdict.STOP if stop_requested_at else Verdict.GO_ON
        if partial.values:
            generation.store(**partial.values)
            outcomes[generation.pk] = generation.stage_results
        if partial.texts is not None:
            texts[generation.message_id] = partial.texts
    Part.store(texts, are_whole=False)
    if ended := {pk: of for pk, of in outcomes.items() if any(outcome.is_final for outcome in of.values())}:
        ledger.settle(ended, are_over=False)
    return verdicts
