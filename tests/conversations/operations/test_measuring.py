"""What an answer adds to the history, and to whose."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from conversations.models import GenerationTiming, LedgerEntry, RollUp
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageResult, StageStatus
from conversations.models.generation.timeline import PHASES
from conversations.models.operations.history import Grain
from conversations.models.operations.measuring import Dimension
from conversations.models.operations.recording import record_ended
from conversations.models.operations.stats import Measure, Stats
from tests.streaming.operations.rows import CANARY

from .conftest import NOON, ended, recorded, wrote


def by_owner() -> dict[Dimension, Stats]:
    record_ended()
    return {row.key.of: row.stats for row in RollUp.objects.filter(grain=Grain.MINUTE)}


def test_its_phases_are_observed_and_are_together_the_whole(alice: User) -> None:
    ended(alice)
    record_ended()

    sums = [recorded().of(phase).sum for phase in PHASES]

    assert sums == pytest.approx([0.1, 0.1, 0.3, 2.0, 0.5])
    assert sum(sums) == pytest.approx(recorded().of(Measure.DURATION).sum)


def test_finishing_lasts_until_pages_are_told(alice: User) -> None:
    GenerationTiming.objects.create(generation=ended(alice), published_at=NOON + timedelta(seconds=0.25))
    record_ended()

    assert recorded().of(Measure.FINISHING).sum == pytest.approx(0.75)
    assert recorded().of(Measure.DURATION).sum == pytest.approx(3.25)


def test_first_tokens_are_told_apart(alice: User) -> None:
    ended(alice)
    record_ended()

    assert recorded().of(Measure.FIRST_TOKEN).sum == pytest.approx(0.5)
    assert recorded().of(Measure.MODEL_FIRST_TOKEN).sum == pytest.approx(0.3)
    assert recorded().of(Measure.SPEED).sum == pytest.approx(29 / 2)


def test_what_the_browser_felt_is_known_where_it_told(alice: User) -> None:
    GenerationTiming.objects.create(generation=ended(alice), first_paint_ms=750, gap_p95_ms=40)
    ended(alice)
    record_ended()

    assert (recorded().of(Measure.PERCEIVED).sum, recorded().of(Measure.PERCEIVED).count) == (0.75, 1)
    assert recorded().of(Measure.GAP).sum == pytest.approx(0.04)


def test_of_one_that_was_taken_over_the_models_first_token_is_not_known(alice: User) -> None:
    ended(alice, attempt=3, requested_at=NOON)
    record_ended()

    assert recorded().of(Measure.MODEL_FIRST_TOKEN).count == 0
    assert recorded().counts["takeovers"] == 2


def test_one_that_was_stopped_in_the_queue_was_only_queued(alice: User) -> None:
    none = dict.fromkeys(("claimed_at", "requested_at", "first_token_at", "last_token_at", "outcomes"))
    ended(alice, status=Status.STOPPED, attempt=0, wanted_tier="nano", plan=None, **none)

    assert list(by_owner()) == [Dimension("nano", "")]
    assert set(recorded().histograms) == {"duration", "queued"}


def test_an_error_is_counted_by_its_code(alice: User) -> None:
    ended(alice, status=Status.FAILED, error_code="overloaded", failovers=2)
    record_ended()

    counts = recorded().counts
    assert (counts["answers:failed"], counts["errors:overloaded"], counts["failovers"]) == (1, 1, 2)


def test_times_are_whose_stage_began_it_and_tokens_each_stages_own(alice: User) -> None:
    ended(alice, NOON, wrote("smart", "big:1", first_token_s=2.0), wrote("nano", "small:1", first_token_s=0.1))

    found = by_owner()
    quick, deep = found[Dimension("nano", "small:1")], found[Dimension("smart", "big:1")]

    assert (quick.answers, deep.answers) == (1, 0) and not deep.histograms
    assert quick.counts["tokens_out"] == deep.counts["tokens_out"] == 30
    assert (deep.counts["tokens_in"], deep.counts["tokens_cached"]) == (100, 60)


def test_one_that_no_model_answered_belongs_to_the_tier_that_was_planned(alice: User) -> None:
    plan = {"stages": [{"number": 0, "name": "a", "label": "A", "tier": "genius"}]}
    ended(alice, NOON, StageResult(StageStatus.FAILED), status=Status.FAILED, plan=plan)

    assert list(by_owner()) == [Dimension("genius", "")]


def test_tokens_from_the_cache_are_no_models(alice: User) -> None:
    ended(alice, NOON, wrote(cached=True, server=""))
    record_ended()

    assert recorded().counts["tokens_out"] == 0 and recorded().answers == 1
    assert recorded().of(Measure.SPEED).count == recorded().of(Measure.MODEL_FIRST_TOKEN).count == 0


def test_its_cost_is_the_ledgers_to_the_last_unit(alice: User) -> None:
    generation = ended(alice)
    amounts = {"cost": Decimal("0.000000123"), "reserved": 1, "state": "settled"}
    LedgerEntry.objects.create(generation_id=generation.pk, stage=0, day=NOON, tier="genius", **amounts)

    assert by_owner()[Dimension("genius", "one:8000")].counts["cost"] == 123


def test_no_text_is_in_it(alice: User) -> None:
    ended(alice, status=Status.FAILED, error_code="internal", error_detail=CANARY)
    record_ended()

    assert CANARY not in str(list(RollUp.objects.values()))


def test_an_answer_that_took_no_time_is_recorded(alice: User) -> None:
    same = dict.fromkeys(("accepted_at", "claimed_at", "requested_at", "first_token_at", "last_token_at"), NOON)
    ended(alice, **same)
    record_ended()

    assert recorded().of(Measure.DURATION).quantile(0.5) == pytest.approx(0.0, abs=timedelta(0.001).total_seconds())


def test_a_name_of_any_length_is_recorded(alice: User) -> None:
    ended(alice, NOON, wrote("t" * 300, "s" * 300))

    assert list(by_owner()) == [Dimension("t" * 40, "s" * 200)]


def test_clocks_that_disagree_make_no_time_negative(alice: User) -> None:
    ended(alice, first_token_at=NOON - timedelta(seconds=9))
    record_ended()

    assert recorded().of(Measure.FIRST_TOKEN).sum == recorded().of(Measure.MODEL_FIRST_TOKEN).sum == 0
