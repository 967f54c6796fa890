"""Which tiers there are: the admins' before the environment's, and always at least one."""

from __future__ import annotations

import logging
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from conversations.models import ModelServer as StoredServer
from conversations.models import Tier
from streaming.model_servers.vllm.client import ModelServer
from streaming.planning.tiers import current_tiers

pytestmark = pytest.mark.django_db
KEY = "sk-only-for-the-server"


@pytest.fixture
def server() -> StoredServer:
    return StoredServer.objects.create(name="GPU 1", url="http://gpu-1:8001/v1", api_key=KEY, max_parallel=4)


@pytest.fixture(autouse=True)
def environment(settings: Settings) -> None:
    settings.VLLM_BASE_URLS = ["http://one:8001/v1/", "http://two:8001/v1"]
    settings.VLLM_API_KEY = "sk-environment"
    settings.VLLM_MODEL = ""
    settings.MODEL_TIERS = {}


def tier(server: StoredServer, slug: str = "smart", **fields: Any) -> Tier:
    return Tier.objects.create(name=slug.capitalize(), slug=slug, server=server, **fields)


def slugs() -> list[str]:
    return [spec.slug for spec in current_tiers()]


def said_by_check() -> str:
    said = StringIO()
    call_command("check", databases=["default"], stderr=said)
    return said.getvalue()


def test_with_an_address_alone_there_is_one_tier_of_its_servers(settings: Settings) -> None:
    (default,) = current_tiers()

    assert (default.name, default.slug, default.model) == ("Default", "default", "")
    assert default.server == ModelServer("http://one:8001/v1", "sk-environment")
    assert default.others == (ModelServer("http://two:8001/v1", "sk-environment"),)
    assert (default.temperature, default.max_tokens) == (settings.VLLM_TEMPERATURE, settings.VLLM_MAX_TOKENS)


def test_the_default_tier_has_the_model_that_is_set(settings: Settings) -> None:
    settings.VLLM_MODEL = "qwen3-8b"

    assert current_tiers()[0].model == "qwen3-8b"


def test_the_environment_names_tiers_the_cheapest_first(settings: Settings) -> None:
    settings.MODEL_TIERS = {"nano": ("tiny", "http://one:8001/v1"), "smart": ("large", "http://big:8001/v1")}

    tiers = current_tiers()

    assert [(t.slug, t.order, t.model) for t in tiers] == [("nano", 0, "tiny"), ("smart", 1, "large")]
    assert tiers[1].server == ModelServer("http://big:8001/v1", "sk-environment")
    assert tiers[1].others == ()


def test_what_admins_entered_wins(settings: Settings, server: StoredServer) -> None:
    settings.MODEL_TIERS = {"nano": ("tiny", "http://one:8001/v1")}
    tier(server, "genius", order=3)
    tier(server, "fast", order=1)
    tier(server, "spare", order=0, enabled=False)

    assert slugs() == ["fast", "genius"]


def test_a_tier_that_is_not_enabled_does_not_hide_the_environment(server: StoredServer) -> None:
    tier(server, enabled=False)

    assert slugs() == ["default"]


def test_a_tier_has_its_own_values_and_its_servers(server: StoredServer) -> None:
    StoredServer.objects.update(streams=False)
    tier(server, model="qwen3-8b", price_out=Decimal("1.5"), temperature=0, max_tokens=100, silence_timeout_s=7)

    (smart,) = current_tiers()

    assert smart.server == ModelServer("http://gpu-1:8001/v1", KEY)
    assert (smart.model, smart.price_out, smart.price_in) == ("qwen3-8b", Decimal("1.5"), Decimal(0))
    assert (smart.temperature, smart.max_tokens, smart.silence_timeout_s) == (0, 100, 7)
    assert (smart.streams, smart.max_parallel) == (False, 4)


def test_what_a_tier_leaves_empty_is_the_sites(settings: Settings, server: StoredServer) -> None:
    tier(server)

    (smart,) = current_tiers()

    assert (smart.temperature, smart.top_p) == (settings.VLLM_TEMPERATURE, settings.VLLM_TOP_P)
    assert smart.first_token_timeout_s == settings.VLLM_FIRST_TOKEN_TIMEOUT_S
    assert (smart.model, smart.context_length) == ("", None)


def test_a_key_is_in_no_repr_and_no_log(server: StoredServer, caplog: pytest.LogCaptureFixture) -> None:
    tier(server)
    told = repr(current_tiers())
    StoredServer.objects.update(enabled=False)
    current_tiers()

    assert KEY not in told + caplog.text


def test_a_disabled_server_takes_its_tiers_along(server: StoredServer, caplog: pytest.LogCaptureFixture) -> None:
    off = StoredServer.objects.create(name="Off", url="http://gpu-2/v1", enabled=False)
    tier(server, "fast")
    tier(off, "smart", order=1)

    with caplog.at_level(logging.WARNING):
        assert slugs() == ["fast"]

    assert "The tier “Smart” is left out: its server “Off” is disabled." in caplog.text


@pytest.mark.parametrize("change", [{"enabled": False}, {"url": "http://169.254.169.254/v1"}, {"url": "nonsense"}])
def test_without_a_usable_tier_the_environment_answers(
    server: StoredServer, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    tier(server)
    StoredServer.objects.update(**change)

    assert slugs() == ["default"]
    assert "No tier that admins entered can be used." in caplog.text


def test_the_check_warns_of_what_is_not_used(server: StoredServer) -> None:
    tier(server)
    before = said_by_check()
    StoredServer.objects.update(enabled=False)
    disabled = said_by_check()
    Tier.objects.update(enabled=False)

    assert before == ""
    assert "its server “GPU 1” is disabled." in disabled
    assert "None of the tiers that admins entered is enabled." in said_by_check()


def test_they_cost_one_query(server: StoredServer, django_assert_num_queries: Any) -> None:
    tier(server, "fast")
    tier(server, "smart")

    with django_assert_num_queries(1):
        current_tiers()
