"""Which stages an answer gets: from the user's mode, and from the pipelines as admins have them now."""

from __future__ import annotations

import logging
from dataclasses import replace

from conversations.models import Generation, PipelineStage, Stage
from conversations.models.pipeline import LEVEL_OF, Level, Mode
from conversations.models.plan import Plan, PlannedStage

logger = logging.getLogger(__name__)

DRAFT_PROMPT = "A more thorough answer is being written beside yours: keep yours short."
ALONE = PlannedStage(0, "quick", "Answer")  # when no pipeline can be had


def plan_for(generation: Generation) -> Plan:
    """One query. A pipeline that has lost its stages never keeps an answer from being made."""
    level = LEVEL_OF.get(Mode(generation.mode), Level.SIMPLE)
    uses = PipelineStage.objects.filter(pipeline__level=level, stage__enabled=True).select_related("stage")
    stages = [planned(number, use.stage, waits=use.waits) for number, use in enumerate(uses)]
    if not stages:
        logger.warning("the pipeline for %s questions has no stage that is switched on: the model is just asked", level)
        return Plan((ALONE,), level)
    if len(stages) > 1:
        stages[0] = replace(stages[0], system_prompt=f"{stages[0].system_prompt}\n{DRAFT_PROMPT}")
    return Plan(tuple(stages), level)


def planned(number: int, stage: Stage, *, waits: bool) -> PlannedStage:
    return PlannedStage(
        number=number,
        name=stage.name,
        label=stage.label,
        waits=waits,
        system_prompt=stage.system_prompt.strip(),
        timeout_s=stage.timeout_s,
        model=stage.model,
        temperature=stage.temperature,
        top_p=stage.top_p,
        max_tokens=stage.max_tokens,
        prior=stage.confidence_prior,
    )
