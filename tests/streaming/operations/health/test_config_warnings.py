"""What became invalid after it was set up is told to operators, in sentences."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from conversations.models import ModelServer, PipelineStage, Stage, Tier
from streaming.model_servers import probes
from streaming.model_servers.probes import Health

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def tier(db: None) -> Tier:
    server = ModelServer.objects.create(name="GPU 1", url=URL)
    return Tier.objects.create(name="Smart", slug="smart", server=server, model="qwen3-8b")


def page(operator: Client) -> str:
    return operator.get("/ops/").content.decode()


def test_a_stage_whose_tier_is_gone_is_named(operator: Client, tier: Tier) -> None:
    Stage.objects.filter(name="deep").update(tier="genius")

    assert "wants the tier “genius”, which is unavailable" in page(operator)

    Stage.objects.filter(name="deep").update(tier="smart")
    assert "is unavailable" not in page(operator)


def test_a_tier_whose_server_is_disabled_is_named(operator: Client, tier: Tier) -> None:
    ModelServer.objects.update(enabled=False)

    assert "The tier “Smart” is left out: its server “GPU 1” is disabled." in page(operator)


def test_a_model_that_is_gone_from_its_server_is_named(operator: Client, tier: Tier) -> None:
    probed = Health("127.0.0.1:9", datetime.now(UTC), healthy=True, models=["qwen3-4b"])
    probes.store([probed])

    assert "wants the model qwen3-8b, which GPU 1 does not list" in page(operator)


def test_a_pipeline_that_lost_its_stages_is_named(operator: Client) -> None:
    PipelineStage.objects.filter(pipeline__level="complex").delete()

    assert "The pipeline for complex questions has no stage that is enabled" in page(operator)


def test_a_server_that_was_just_entered_is_new_and_no_trouble(operator: Client, tier: Tier) -> None:
    probes.store([Health("127.0.0.1:7", datetime.now(UTC), healthy=True)])

    shown = page(operator)
    assert "GPU 1" in shown and "Will be probed within ten seconds" in operator.get("/ops/servers/").content.decode()
    assert "GPU 1: no probe" not in shown
