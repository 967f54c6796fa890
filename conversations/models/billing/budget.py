"""Budgets: how much a day may cost, for the whole site, for each member of a group, for one user.

What is used of them is counted per day, by updates that say what the limit is: requests that come at once cannot
overspend, on SQLite as on PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from .money import NOTHING, amount_of, format_money, units

SITE = "site"
EXACTLY_ONE = "Choose one: the whole site, a group, or a user."
MORE_THAN_ZERO = "A limit must be above zero. To spend nothing, enable only tiers without prices."
ONE_OF_THREE = (
    models.Q(whole_site=True, group=None, user=None)
    | models.Q(whole_site=False, group__isnull=False, user=None)
    | models.Q(whole_site=False, group=None, user__isnull=False)
)


def check_limit(amount: Decimal) -> None:
    if not amount > 0:
        raise ValidationError(MORE_THAN_ZERO)


class Budget(models.Model):
    whole_site = models.BooleanField(default=False, help_text="All users together.")
    group = models.OneToOneField(
        Group, null=True, blank=True, on_delete=models.CASCADE, help_text="Applies to each member separately."
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        help_text="Overrides the limits of the user's groups.",
    )
    daily_limit = models.DecimalField(max_digits=12, decimal_places=4, validators=[check_limit])

    class Meta:
        ordering = ("-whole_site", "group__name", "user__username")
        constraints = (
            models.CheckConstraint(condition=ONE_OF_THREE, name="budget_of_one", violation_error_message=EXACTLY_ONE),
            models.CheckConstraint(
                condition=models.Q(daily_limit__gt=0),
                name="budget_above_zero",
                violation_error_message=MORE_THAN_ZERO,
            ),
            models.UniqueConstraint(
                fields=["whole_site"],
                condition=models.Q(whole_site=True),
                name="one_budget_of_the_site",
                violation_error_message="The site already has a budget. Change that one.",
            ),
        )

    def __str__(self) -> str:
        return f"{format_money(self.daily_limit)} a day for {self.scope}"

    @property
    def scope(self) -> str:
        if self.whole_site:
            return "the whole site"
        return f"each of {self.group}" if self.group else str(self.user)


class DailyUse(models.Model):
    """What was spent or is reserved on one day, in billionths."""

    scope = models.CharField(max_length=40)  # SITE, or a user's
    day = models.DateField()
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["scope", "day"], name="use_once_per_day"),)

    def __str__(self) -> str:
        return f"{self.scope} on {self.day}: {format_money(amount_of(self.used))}"

    @staticmethod
    def add(scope: str, day: date, amount: int, limit: int | None = None) -> bool:
        """As one statement; False if it would be above the limit. Call it in a transaction."""
        rows = DailyUse.objects.filter(scope=scope, day=day)
        if limit is not None:
            rows = rows.filter(used__lte=limit - amount)
        change = {"used": models.F("used") + amount}
        if rows.update(**change):
            return True
        DailyUse.objects.bulk_create([DailyUse(scope=scope, day=day)], ignore_conflicts=True)
        return bool(rows.update(**change))


@dataclass(frozen=True)
class Limits:
    """Of one user, and of the site, a day; None: no limit."""

    user_id: int
    own: Decimal | None
    site: Decimal | None

    @classmethod
    def of(cls, user_id: int) -> Self:
        """One query."""
        groups_of = Group.objects.filter(user=user_id).values("pk")
        mine = models.Q(whole_site=True) | models.Q(user=user_id) | models.Q(group__in=groups_of)
        found = list(Budget.objects.filter(mine).order_by())
        own = [budget.daily_limit for budget in found if budget.user_id]
        groups = [budget.daily_limit for budget in found if budget.group_id]
        site = [budget.daily_limit for budget in found if budget.whole_site]
        return cls(user_id, max(own or groups, default=None), max(site, default=None))

    @property
    def exist(self) -> bool:
        return self.own is not None or self.site is not None

    @property
    def by_scope(self) -> dict[str, Decimal | None]:
        """In the order in which counters are locked."""
        return {SITE: self.site, scope_of(self.user_id): self.own}

    def used(self, day: date) -> dict[str, Decimal]:
        """By scope. One query."""
        rows = DailyUse.objects.filter(scope__in=self.by_scope, day=day)
        return dict.fromkeys(self.by_scope, NOTHING) | {row.scope: amount_of(row.used) for row in rows}

    def scarcest(self, day: date) -> tuple[str, Decimal]:
        """The scope of which least is left, and how much. Only if there are limits. One query."""
        used = self.used(day)
        left = {scope: limit - used[scope] for scope, limit in self.by_scope.items() if limit is not None}
        return min(left.items(), key=lambda pair: pair[1])

    def reserve(self, amount: Decimal, day: date) -> bool:
        """From the site's and from the user's, or from neither. Call it in a transaction."""
        try:
            with transaction.atomic():
                for scope, limit in self.by_scope.items():
                    if not DailyUse.add(scope, day, units(amount), None if limit is None else units(limit)):
                        raise LimitReached
        except LimitReached:
            return False
        return True


@dataclass(frozen=True)
class SiteUse:
    """What all users together used today, what is reserved included; and the limit, None if there is none."""

    used: Decimal
    limit: Decimal | None

    @classmethod
    def of_today(cls) -> Self:
        """Two queries."""
        used = DailyUse.objects.filter(scope=SITE, day=today()).first()
        limit = Budget.objects.filter(whole_site=True).values_list("daily_limit", flat=True).first()
        return cls(amount_of(used.used) if used else NOTHING, limit)

    @property
    def percent(self) -> float | None:
        """None without a limit."""
        return float(100 * self.used / self.limit) if self.limit else None


class LimitReached(Exception):
    """Undoes what was reserved already."""


def scope_of(user_id: int) -> str:
    return f"user:{user_id}"


def today() -> date:
    """By the site's clock."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def next_day_begins() -> datetime:
    """When there is a new budget, in the site's time zone."""
    return datetime.combine(today() + timedelta(days=1), time(), timezone.get_default_timezone())
