"""Which stages an answer gets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries, Settings

from conversations.models import Conversation, Generation, Pipeline, PipelineStage, Stage
from conversations.models.catalog.pipeline import CHEAPEST, Level
from conversations.models.chat.asking import Request
from conversations.models.generation.plan import Plan, PlannedStage, StageResult, shown_stage
from streaming.model_servers.vllm.client import ModelServer
from streaming.planning import planner
from streaming.planning.planner import DRAFT_PROMPT
from streaming.planning.tiers import plain
from tests.conversations.talk import click

pytestmark = pytest.mark.django_db
TIERS = [
    plain(slug, order, slug, ["http://127.0.0.1:9/v1"])
    for order, slug in enumerate(["nano", "fast", "smart", "genius"])
]
LEVELS = {"simple": ["quick"], "medium": ["quick", "synthesis"], "complex": ["quick", "deep", "synthesis"]}


@pytest.fixture(autouse=True)
def pipelines(db: None) -> None:
    Pipeline.objects.all().delete()
    for level, names in LEVELS.items():
        pipeline = Pipeline.objects.create(level=level)
        for order, name in enumerate(names):
            values = {"label": name, "system_prompt": f"As {name}.", "tier": CHEAPEST if name == "quick" else ""}
            stage, _ = Stage.objects.update_or_create(name=name, defaults=values)
            PipelineStage.objects.create(pipeline=pipeline, stage=stage, order=order, waits=name == "synthesis")


def asked(mode: str, question: str = "Why?") -> Generation:
    request = Request(click().client_id, mode=mode)
    return Conversation.begin(User.objects.create_user("alice"), question, request)


def plan_for(generation: Generation) -> Plan:
    return planner.plan_for(generation, TIERS)


@pytest.mark.parametrize(("mode", "level"), [("quick", "simple"), ("balanced", "medium"), ("deep", "complex")])
def test_the_mode_decides_on_the_stages(mode: str, level: str) -> None:
    plan = plan_for(asked(mode))

    assert plan.level == level
    assert [stage.name for stage in plan.stages] == LEVELS[level]
    assert [stage.number for stage in plan.stages] == list(range(len(plan.stages)))


def test_only_a_draft_is_told_to_be_short() -> None:
    generation = asked("deep")
    told = [DRAFT_PROMPT in stage.system_prompt for stage in plan_for(generation).stages]
    generation.mode = "quick"

    assert told == [True, False, False]
    assert DRAFT_PROMPT not in plan_for(generation).stages[0].system_prompt


def test_a_stage_that_is_off_is_left_out() -> None:
    Stage.objects.filter(name="deep").update(enabled=False)

    assert [stage.name for stage in plan_for(asked("deep")).stages] == ["quick", "synthesis"]


@pytest.mark.parametrize(("mode", "stage"), [("quick", "quick"), ("balanced", "quick"), ("deep", "deep")])
def test_one_model_writes_one_stage(settings: Settings, mode: str, stage: str) -> None:
    settings.STAGES_WITH_ONE_MODEL = False
    twice = [replace(TIERS[0], slug=slug, server=ModelServer(f"http://{slug}/v1")) for slug in ("one", "other")]
    generation = asked(mode)

    for tiers in (TIERS[:1], twice):
        (alone,) = planner.plan_for(generation, tiers).stages
        assert (alone.number, alone.name, alone.system_prompt) == (0, stage, f"As {stage}.")


def test_one_model_writes_all_stages_where_the_site_wants_that(settings: Settings) -> None:
    settings.STAGES_WITH_ONE_MODEL = True

    assert len(planner.plan_for(asked("deep"), TIERS[:1]).stages) == 3


@pytest.mark.parametrize(("mode", "stages"), [("auto", 1), ("deep", 3)])
def test_a_model_that_was_chosen_makes_no_draft_for_itself_unless_that_was_asked_for(
    settings: Settings, mode: str, stages: int
) -> None:
    settings.STAGES_WITH_ONE_MODEL = False
    generation = asked(mode, "Compare the proofs of this theorem step by step, and derive the general case. " * 4)
    generation.wanted_tier = "smart"

    plan = plan_for(generation)

    assert (plan.level, len(plan.stages)) == ("complex", stages)


def test_a_pipeline_that_lost_its_stages_still_answers(caplog: pytest.LogCaptureFixture) -> None:
    Stage.objects.update(enabled=False)

    assert len(plan_for(asked("deep")).stages) == 1
    assert "has no enabled stage" in caplog.text


@pytest.mark.parametrize(
    ("question", "tiers"),
    [
        ("Hello!", ["nano"]),
        ("Compare SQL and NoSQL databases.", ["nano", "smart"]),
        ("Prove that the square root of 2 is irrational.", ["nano", "genius", "genius"]),
    ],
)
def test_in_auto_the_question_decides_on_stages_and_tiers(question: str, tiers: list[str]) -> None:
    plan = plan_for(asked("auto", question))

    assert [stage.tier for stage in plan.stages] == tiers
    assert plan.reasons[0].startswith(f"Complexity: {plan.level} (")
    assert plan.scores["complexity"] >= 0


def test_a_models_opinion_counts_in_auto_alone() -> None:
    generation = asked("auto", "Hello!")
    plan = planner.plan_for(generation, TIERS, Level.COMPLEX)
    generation.mode = "quick"

    assert plan.level == "complex"
    assert plan.reasons[1] == "The smallest model rated it complex."
    assert planner.plan_for(generation, TIERS, Level.COMPLEX).level == "simple"


# Domains and hurry


@pytest.fixture
def expert(pipelines: None) -> None:
    """Has a part in every pipeline, for code alone."""
    stage = Stage.objects.create(name="expert", label="Code expert", system_prompt="Check it.", domains=["code"])
    for pipeline in Pipeline.objects.all():
        PipelineStage.objects.create(pipeline=pipeline, stage=stage, order=9, waits=True)


@pytest.mark.parametrize("mode", ["auto", "balanced"])
def test_a_stage_for_a_domain_joins_in_questions_of_it(mode: str, expert: None) -> None:
    plan = plan_for(asked(mode, "Explain how a python decorator works."))

    assert [stage.name for stage in plan.stages] == ["quick", "synthesis", "expert"]
    assert "Its domain is code, for which there is Code expert." in plan.reasons


@pytest.mark.parametrize("mode", ["auto", "balanced"])
def test_it_is_left_out_of_others(mode: str, expert: None) -> None:
    plan = plan_for(asked(mode, "Compare SQL and NoSQL databases for sales data and revenue per month."))

    assert [stage.name for stage in plan.stages] == ["quick", "synthesis"]
    assert not [reason for reason in plan.reasons if "expert" in reason]


def test_the_question_is_not_looked_at_if_nothing_depends_on_it(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    generation = asked("balanced")

    with django_assert_num_queries(1):
        plan_for(generation)


HARD = "Design a system that survives the loss of a region, with at most 5 s of lost writes, and tell what we give up."


def test_an_urgent_question_gets_no_deep_stage() -> None:
    plan = plan_for(asked("auto", f"{HARD} It is urgent, I need it asap."))

    assert (plan.level, plan.scores["urgency"]) == ("medium", 0.7)
    assert [stage.name for stage in plan.stages] == ["quick", "synthesis"]
    assert planner.URGENT in plan.reasons


@pytest.mark.parametrize(
    ("mode", "question", "level"),
    [
        ("auto", HARD, "complex"),
        ("auto", f"{HARD} Is a fast network enough?", "complex"),
        ("deep", f"{HARD} It is urgent.", "complex"),
        ("auto", "Urgent: compare SQL and NoSQL databases.", "medium"),
    ],
)
def test_nothing_else_is_cut_short(mode: str, question: str, level: str) -> None:
    plan = plan_for(asked(mode, question))

    assert plan.level == level and planner.URGENT not in plan.reasons


def test_an_urgent_question_that_the_model_judged_complex_is_cut_short_too() -> None:
    plan = planner.plan_for(asked("auto", "Urgent: what now?"), TIERS, Level.COMPLEX)

    assert plan.level == "medium"


def test_one_tier_alone_does_for_all() -> None:
    plan = planner.plan_for(asked("deep"), TIERS[1:2])

    assert {stage.tier for stage in plan.stages} == {"fast"}


def test_a_tier_that_is_gone_is_replaced_by_the_levels(caplog: pytest.LogCaptureFixture) -> None:
    Stage.objects.filter(name="quick").update(tier="gone")

    assert [stage.tier for stage in plan_for(asked("quick")).stages] == ["nano"]
    assert "gone, which does not exist" in caplog.text


def test_a_plan_survives_being_stored() -> None:
    plan = plan_for(asked("deep"))

    assert Plan.from_json(plan.as_json()) == plan


def test_what_a_later_version_stored_is_read_without_what_is_unknown() -> None:
    stage = {"number": 0, "name": "quick", "label": "Draft", "invented": 1}

    assert Plan.from_json({"stages": [stage], "also": 2}) == Plan((PlannedStage(0, "quick", "Draft"),))
    assert StageResult.from_json({"status": "done", "invented": 1}) == StageResult("done")


@pytest.mark.parametrize(
    ("lengths", "statuses", "shown"),
    [
        ({}, {}, 0),
        ({0: 5}, {0: "running"}, 0),
        ({0: 50, 1: 1}, {0: "done", 1: "running"}, 1),
        ({0: 5, 1: 50}, {0: "running", 1: "running"}, 0),
        ({0: 50, 1: 1}, {0: "done", 1: "failed"}, 0),
        ({0: 50, 1: 60}, {0: "done", 1: "stopped"}, 1),
        ({0: 50, 1: 1}, {0: "stopped", 1: "stopped"}, 1),
        ({0: 50, 1: 40, 2: 3}, {0: "done", 1: "done", 2: "timeout"}, 1),
        ({0: 5, 1: 0, 2: 3}, {0: "done", 1: "failed", 2: "done"}, 2),
        ({0: 50, 2: 9}, {0: "done", 1: "running", 2: "running"}, 0),
    ],
)
def test_the_latest_stage_is_shown_unless_it_was_cut_short(
    lengths: dict[int, int], statuses: dict[int, str], shown: int
) -> None:
    assert shown_stage(lengths, statuses) == shown
