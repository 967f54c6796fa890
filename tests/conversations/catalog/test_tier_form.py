"""What may be typed for a tier. Each refusal is a sentence at its field, and nothing is stored."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from conversations.models import ModelServer, Tier

from .conftest import SERVERS, TIERS, errors_of, tier_form


def test_a_tier_is_stored(as_otto: Client, server: ModelServer) -> None:
    as_otto.post(f"{TIERS}add/", tier_form(server))

    tier = Tier.objects.get()
    assert (tier.slug, tier.order, tier.server, tier.model) == ("smart", 2, server, "qwen3-8b")
    assert (tier.price_in, tier.price_out, tier.temperature) == (Decimal("0.5"), Decimal("1.5"), 0.6)


def test_what_is_left_empty_is_left_to_the_site(as_otto: Client, server: ModelServer) -> None:
    limits = ("context_length", "temperature", "top_p", "max_tokens", "first_token_timeout_s", "silence_timeout_s")
    as_otto.post(f"{TIERS}add/", tier_form(server, model="", **dict.fromkeys(limits, "")))

    tier = Tier.objects.get()
    assert [getattr(tier, name) for name in limits] == [None] * len(limits)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("slug", "two words"),
        ("order", "-1"),
        ("price_in", "-0.01"),
        ("price_in", "10000.01"),
        ("price_out", "-1"),
        ("price_out", "NaN"),
        ("price_in", "cheap"),
        ("context_length", "0"),
        ("context_length", "10000001"),
        ("temperature", "-0.1"),
        ("temperature", "2.1"),
        ("temperature", "nan"),
        ("top_p", "0"),
        ("top_p", "1.01"),
        ("max_tokens", "0"),
        ("max_tokens", "10000001"),
        ("max_tokens", "-5"),
        ("max_tokens", "32768"),
        ("first_token_timeout_s", "0"),
        ("first_token_timeout_s", "inf"),
        ("silence_timeout_s", "-3"),
        ("silence_timeout_s", "4000"),
        ("caches", "sometimes"),
        ("server", ""),
        ("server", "999"),
    ],
)
def test_bad_input_is_refused_at_its_field(as_otto: Client, server: ModelServer, field: str, value: str) -> None:
    errors = errors_of(as_otto.post(f"{TIERS}add/", tier_form(server, **{field: value})))

    assert list(errors) == [field]
    assert errors[field][0].endswith(".")
    assert not Tier.objects.exists()


def test_a_tier_caches_at_temperature_0_for_each_user_alone_unless_told_otherwise(
    as_otto: Client, server: ModelServer
) -> None:
    as_otto.post(f"{TIERS}add/", tier_form(server))
    as_otto.post(f"{TIERS}add/", tier_form(server, slug="shared", caches="always", cache_across_users="on"))

    rules = Tier.objects.in_bulk(field_name="slug")
    assert (rules["smart"].caches, rules["smart"].cache_across_users) == ("zero", False)
    assert (rules["shared"].caches, rules["shared"].cache_across_users) == ("always", True)


def test_two_tiers_do_not_share_a_slug(as_otto: Client, server: ModelServer) -> None:
    Tier.objects.create(name="Smart", slug="smart", server=server)

    assert list(errors_of(as_otto.post(f"{TIERS}add/", tier_form(server)))) == ["slug"]


def test_a_server_with_tiers_is_not_deleted(as_otto: Client, server: ModelServer) -> None:
    Tier.objects.create(name="Smart", slug="smart", server=server)

    html = as_otto.post(f"{SERVERS}{server.pk}/delete/", {"post": "yes"}).content.decode()

    assert "would require deleting the following protected related objects" in html
    assert ModelServer.objects.exists()


def test_the_list_shows_that_a_disabled_server_disables_its_tiers(as_otto: Client, server: ModelServer) -> None:
    Tier.objects.create(name="Smart", slug="smart", server=server)
    used = 'class="field-in_use"><img src="/static/admin/img/icon-yes.svg"'
    before = as_otto.get(TIERS).content.decode()
    ModelServer.objects.update(enabled=False)

    assert used in before
    assert used not in as_otto.get(TIERS).content.decode()
