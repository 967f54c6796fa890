"""Answers that ended at known moments, with known stages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from conversations.models import Generation, RollUp
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from conversations.models.operations.history import Grain
from conversations.models.operations.stats import Stats
from tests.conversations.talk import begin

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def wrote(tier: str = "smart", server: str = "one:8000", **fields: Any) -> StageResult:
    figures = {"prompt_tokens": 100, "cached_tokens": 60, "completion_tokens": 30, "first_token_s": 0.5}
    return StageResult(StageStatus.DONE, tier=tier, server=server, **(figures | fields))


def ended(owner: User, at: datetime = NOON, *stages: StageResult, **fields: Any) -> Generation:
    """Accepted 3 s before; queued 0.1 s, starting 0.1 s, waiting 0.3 s, writing 2 s, finishing 0.5 s."""
    accepted = at - timedelta(seconds=3)
    after = {"claimed_at": 0.1, "requested_at": 0.2, "first_token_at": 0.5, "last_token_at": 2.5, "finished_at": 3.0}
    values = {
        "status": Status.DONE,
        "attempt": 1,
        "accepted_at": accepted,
        **{name: accepted + timedelta(seconds=seconds) for name, seconds in after.items()},
        "completion_tokens": 30,
        "outcomes": results_as_json(dict(enumerate(stages or (wrote(),)))),
    }
    generation = begin(owner)
    Generation.objects.filter(pk=generation.pk).update(**(values | fields))
    generation.refresh_from_db()
    return generation


def recorded(grain: Grain = Grain.MINUTE) -> Stats:
    """All of this grain, together."""
    whole = Stats()
    for row in RollUp.objects.filter(grain=grain):
        whole.add(row.stats)
    return whole


def known(grain: Grain = Grain.MINUTE) -> dict[str, Any]:
    return recorded(grain).as_json()
