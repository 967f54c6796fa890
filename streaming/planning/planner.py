"""Plans an answer's stages and their tiers from the user's mode, the question and the admins' pipelines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from conversations.models import Generation, PipelineStage, Stage
from conversations.models.catalog.pipeline import CHEAPEST, LEVEL_OF, STRONGEST, Domain, Level, Mode, alone
from conversations.models.chat.message import Message
from conversations.models.generation.plan import Plan, PlannedStage

from .questions.classifier import QueryClassifier
from .questions.scores import QuestionScores
from .tiers import TierSpec

logger = logging.getLogger(__name__)

DRAFT_PROMPT = "A more thorough answer is being written beside yours: keep yours short."
ALONE = PlannedStage(0, "quick", "Answer")  # if no pipeline can be used
URGENT = "Urgent: answered as a medium question, so that the complete answer arrives sooner."
EARLIER = 4  # messages before the question that are classified with it


def plan_for(generation: Generation, tiers: Sequence[TierSpec], judged: Level | None = None) -> Plan:
    """One query; three more if the question is classified: in Auto mode, and if stages are for some domains only.

    A pipeline without enabled stages is replaced by a plain request.

    ``judged``: a model's rating of the question, which counts in Auto mode.
    """
    mode = Mode(generation.mode)
    chosen = [tier for tier in tiers if tier.slug == generation.wanted_tier]
    is_one_model = has_one_model(tiers) or (bool(chosen) and mode is Mode.AUTO)
    tiers = chosen or tiers
    scores = None if mode in LEVEL_OF else scores_of(generation.message)
    level = level_of(mode, scores, judged)
    every = list(PipelineStage.objects.filter(pipeline__level=level, stage__enabled=True).select_related("stage"))
    domain = domain_of(generation.message, scores) if any(use.stage.domains for use in every) else None
    uses = [use for use in every if use.stage.is_for(domain)]
    if is_one_model and not settings.STAGES_WITH_ONE_MODEL:
        uses = alone(uses)
    stages = [plan_stage(number, use, tier_for(use.stage, level, tiers)) for number, use in enumerate(uses)]
    if not stages:
        logger.warning("the pipeline for %s questions has no enabled stage; using a plain request", level)
        stages = [with_tier(ALONE, tier_of_level(level, tiers))]
    if len(stages) > 1:
        stages[0] = replace(stages[0], system_prompt=f"{stages[0].system_prompt}\n{DRAFT_PROMPT}")
    reasons = [*reasons_of(mode, scores, judged), *experts(uses, domain), *choice_of(generation, chosen)]
    reasons.append(who_answers(stages))
    return Plan(tuple(stages), level, generation.streams, tuple(reasons), scores_as_json(scores, judged))


def has_one_model(tiers: Sequence[TierSpec]) -> bool:
    return len({tier.model or tier.server for tier in tiers}) == 1


def scores_of(answer: Message) -> QuestionScores:
    """Classifies the question by the conversation's last texts."""
    *earlier, question = answer.transcript[-EARLIER - 1 :]
    return QueryClassifier().classify(question.text, [said.text for said in earlier])


def level_of(mode: Mode, scores: QuestionScores | None, judged: Level | None) -> Level:
    """An urgent complex question is answered as a medium one, without the stages that take longest."""
    if scores is None:
        return LEVEL_OF[mode]
    level = judged or scores.level
    return Level.MEDIUM if level is Level.COMPLEX and scores.is_urgent else level


def domain_of(answer: Message, scores: QuestionScores | None) -> Domain:
    return (scores or scores_of(answer)).domain


def tier_for(stage: Stage, level: Level, tiers: Sequence[TierSpec]) -> TierSpec:
    """``tiers``: the cheapest first. If the stage's tier is unknown, the level's is used."""
    by_name = {tier.slug: tier for tier in tiers} | {CHEAPEST: tiers[0], STRONGEST: tiers[-1]}
    if stage.tier and stage.tier not in by_name:
        logger.warning("stage %s names the tier %s, which does not exist", stage.name, stage.tier)
    return by_name.get(stage.tier) or tier_of_level(level, tiers)


def tier_of_level(level: Level, tiers: Sequence[TierSpec]) -> TierSpec:
    place = {Level.SIMPLE: 0, Level.MEDIUM: len(tiers) // 2, Level.COMPLEX: -1}
    return tiers[place[level]]


def plan_stage(number: int, use: PipelineStage, tier: TierSpec) -> PlannedStage:
    stage = use.stage
    bare = PlannedStage(
        number=number,
        name=stage.name,
        label=stage.label,
        waits=use.waits,
        system_prompt=stage.system_prompt.strip(),
        timeout_s=stage.timeout_s,
        temperature=stage.temperature,
        top_p=stage.top_p,
        max_tokens=stage.max_tokens,
    )
    return with_tier(bare, tier)


def with_tier(stage: PlannedStage, tier: TierSpec) -> PlannedStage:
    return replace(stage, tier=tier.slug, tier_name=tier.name)


def reasons_of(mode: Mode, scores: QuestionScores | None, judged: Level | None) -> list[str]:
    if scores is None:
        return [f"You chose {mode.label}."]
    complexity = f"Complexity: {scores.level.value} ({', '.join(scores.reasons)})."
    opinion = [f"The smallest model rated it {judged.value}."] if judged else []
    hurry = [URGENT] if level_of(mode, scores, judged) is not (judged or scores.level) else []
    return [complexity, *opinion, *hurry]


def experts(uses: Sequence[PipelineStage], domain: Domain | None) -> list[str]:
    """Names the stages that were added for the question's domain."""
    labels = [use.stage.label for use in uses if use.stage.domains]
    if domain is None or not labels:
        return []
    return [f"Its domain is {domain.label.lower()}, for which there is {' and '.join(labels)}."]


def choice_of(generation: Generation, chosen: Sequence[TierSpec]) -> list[str]:
    if chosen:
        return [f"You chose the model {chosen[0].name}."]
    return [f"{generation.wanted_tier}, the model you chose, is unavailable."] if generation.wanted_tier else []


def who_answers(stages: Sequence[PlannedStage]) -> str:
    if len(stages) == 1:
        return f"Routed to {stages[0].tier_name}."
    return f"Answered in {len(stages)} stages: {', '.join(f'{s.label} by {s.tier_name}' for s in stages)}."


def scores_as_json(scores: QuestionScores | None, judged: Level | None) -> dict[str, object]:
    if scores is None:
        return {}
    names = ("complexity", "urgency", "reasoning")
    known = {**{name: round(getattr(scores, name), 3) for name in names}, "domain": scores.domain.value}
    return known | ({"judged": judged.value} if judged else {})
