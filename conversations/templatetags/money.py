"""Formats amounts of money with their currency."""

from __future__ import annotations

from decimal import Decimal

from django import template

from conversations.models.billing.money import NOTHING, format_money

register = template.Library()


@register.filter
def money(amount: Decimal | None) -> str:
    return format_money(amount or NOTHING)
