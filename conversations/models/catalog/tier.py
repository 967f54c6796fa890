"""A tier: a model on a server, with its price and limits. Routing takes the cheapest sufficient one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from conversations.models.names import NameField

from .model_server import ModelServer

SITES_SETTING = "Empty: the site's setting."
PER_MILLION = "Per million tokens, in the currency of your budgets."
LONGEST_WAIT_S = 3600.0
# The highest price of the longest answer fits into the ledger's columns.
HIGHEST_PRICE = 10_000
MOST_TOKENS = 10_000_000
PRICE = (lambda price: 0 <= price <= HIGHEST_PRICE, f"A price must be between 0 and {HIGHEST_PRICE:,}.")

# Checks beyond those of Django's fields. NaN fails every comparison, so it is refused as well.
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "price_in": PRICE,
    "price_out": PRICE,
    "price_cached": PRICE,
    "context_length": (
        lambda tokens: 0 < tokens <= MOST_TOKENS,
        f"A context must have between 1 and {MOST_TOKENS:,} tokens.",
    ),
    "temperature": (lambda value: 0 <= value <= 2, "The temperature must be between 0 and 2."),
    "top_p": (lambda value: 0 < value <= 1, "Top-p must be above 0, and at most 1."),
    "max_tokens": (
        lambda tokens: 0 < tokens <= MOST_TOKENS,
        f"An answer must have between 1 and {MOST_TOKENS:,} tokens.",
    ),
    "first_token_timeout_s": (
        lambda seconds: 0 < seconds <= LONGEST_WAIT_S,
        f"The wait must be above 0 s, and {LONGEST_WAIT_S:g} s at most.",
    ),
    "silence_timeout_s": (
        lambda seconds: 0 < seconds <= LONGEST_WAIT_S,
        f"The wait must be above 0 s, and {LONGEST_WAIT_S:g} s at most.",
    ),
}


class Caches(models.TextChoices):
    """When an answer may be reused for an identical request."""

    NEVER = "never", "Never"
    AT_ZERO = "zero", "At temperature 0"
    ALWAYS = "always", "Always"


def price(name: str) -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(name, max_digits=12, decimal_places=6, default=Decimal(0), help_text=PER_MILLION)


class Tier(models.Model):
    name = NameField(max_length=40, help_text="The name that users see.")
    slug = models.SlugField(
        max_length=40, unique=True, help_text="Its name in the API and in records. Keep it unchanged."
    )
    order = models.PositiveSmallIntegerField(default=0, help_text="0 is the cheapest.")
    server = models.ForeignKey(ModelServer, on_delete=models.PROTECT, related_name="tiers")
    model = NameField(max_length=200, blank=True, help_text="As the server lists it. Empty: the first one listed.")
    price_in = price("input price")
    price_out = price("output price")
    price_cached = models.DecimalField(
        "cached input price",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="For prompt tokens in the server's prefix cache. Empty: the input price.",
    )
    context_length = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tokens of question and answer together. Empty: what the server reports."
    )
    temperature = models.FloatField(null=True, blank=True, help_text=SITES_SETTING)
    top_p = models.FloatField("top-p", null=True, blank=True, help_text=SITES_SETTING)
    max_tokens = models.PositiveIntegerField(null=True, blank=True, help_text=f"Of one answer. {SITES_SETTING}")
    first_token_timeout_s = models.FloatField(
        "first-token timeout", null=True, blank=True, help_text=f"Seconds. {SITES_SETTING}"
    )
    silence_timeout_s = models.FloatField(
        "inter-token timeout", null=True, blank=True, help_text=f"Seconds. {SITES_SETTING}"
    )
    caches = models.CharField(
        "response cache",
        max_length=10,
        choices=Caches.choices,
        default=Caches.AT_ZERO,
        db_default=Caches.AT_ZERO,
        help_text="For requests that are identical to an earlier one. Always: at any temperature.",
    )
    cache_across_users = models.BooleanField(
        "shared between users",
        default=False,
        db_default=False,
        help_text="Off: only the user's own earlier answers.",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ("order", "slug")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        given = {field: value for field in RULES if (value := getattr(self, field)) is not None}
        wrong = {field: RULES[field][1] for field, value in given.items() if not RULES[field][0](value)}
        if self.context_length and self.max_tokens and self.max_tokens >= self.context_length:
            wrong.setdefault(
                "max_tokens", "An answer of this length leaves no room for the question in the context window."
            )
        if self.price_cached is not None and self.price_cached > self.price_in:
            wrong.setdefault("price_cached", "This is above the input price. Leave it empty, or lower it.")
        if wrong:
            raise ValidationError(wrong)


def is_one_model() -> bool:
    """Whether all enabled tiers have the same model. One query."""
    stored = Tier.objects.filter(enabled=True, server__enabled=True).values_list("model", "server_id")
    models = {model or server for model, server in stored} or {model for model, _ in settings.MODEL_TIERS.values()}
    return len(models) <= 1


def offered_tiers() -> list[tuple[str, str]]:
    """Slugs and names of the tiers that users can choose, cheapest first. Empty if there is no choice. One query."""
    stored = Tier.objects.filter(enabled=True, server__enabled=True).values_list("slug", "name")
    tiers = list(stored) or [(slug, slug.capitalize()) for slug in settings.MODEL_TIERS]
    return tiers if len(tiers) > 1 else []
