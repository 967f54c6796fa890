"""Warnings to operators about admins' settings that cannot take effect. Answers are made all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conversations.models import PipelineStage, Stage
from conversations.models.catalog.pipeline import CHEAPEST, STRONGEST, Level
from conversations.models.encrypted import unreadable_rows
from streaming.model_servers.probes import Health
from streaming.planning.tiers import TierSpec, known_tiers, stored_problems


def problems(probes: Sequence[Health] = ()) -> list[str]:
    """Sentences; with ``probes``, also about models that servers do not list. Six queries."""
    tiers = known_tiers()
    return [
        *unreadable_rows(),
        *stored_problems(),
        *stage_problems(tiers),
        *pipeline_problems(),
        *missing_models(tiers, probes),
    ]


def stage_problems(tiers: Sequence[TierSpec]) -> Iterator[str]:
    known = {"", CHEAPEST, STRONGEST, *(tier.slug for tier in tiers)}
    for stage in Stage.objects.filter(enabled=True, uses__isnull=False).exclude(tier__in=known).distinct():
        yield (
            f"The stage “{stage}” wants the tier “{stage.tier}”, which is unavailable: "
            "it gets a tier by the question instead. Choose another one for it."
        )


def pipeline_problems() -> Iterator[str]:
    for_all = PipelineStage.objects.filter(stage__enabled=True, stage__domains=[])
    having = set(for_all.values_list("pipeline__level", flat=True))
    for level in Level:
        if level not in having:
            yield (
                f"The pipeline for {level} questions has no stage that is enabled and for all domains: "
                "without one, the model is just asked."
            )


def missing_models(tiers: Sequence[TierSpec], probes: Sequence[Health]) -> Iterator[str]:
    listed = {probe.server: probe.models for probe in probes if probe.healthy}
    for tier in tiers:
        models = listed.get(tier.server.key)
        server = tier.server_label or tier.server.key
        if models is not None and tier.model and tier.model not in models:
            yield (
                f"The tier “{tier.name}” wants the model {tier.model}, which {server} does not list: "
                "other tiers answer instead."
            )
