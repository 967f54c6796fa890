"""Budgets: daily spending limits for the whole site, for each member of a group, and for one user.

Use is counted per day by conditional updates that include the limit, so concurrent requests cannot overspend, on SQLite
or PostgreSQL.
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
    """The amount spent or reserved on one day, in billionths of the currency."""

    scope = models.CharField(max_length=40)  # SITE, or scope_of(user)
    day = models.DateField()
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["scope", "day"], name="use_once_per_day"),)

    def __str__(self) -> str:
        return f"{self.scope} on {self.day}: {format_money(amount_of(self.used))}"

    @staticmethod
    def add(scope: str, day: date, amount: int, limit: int | None = None) -> bool:
        """Check the limit and add in one statement; return False if the limit is too low. Call it in a transaction."""
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
    """The daily limits of one user and of the site; None: no limit."""

    user_id: int
    own: Decimal | None
    site: Decimal | None

    @classmethod
    def of(cls, user_id: int) -> Self:
        """One query."""
        groups_of = Group.objects.filter(user=user_id).values("pk")
        applicable = models.Q(whole_site=True) | models.Q(user=user_id) | models.Q(group__in=groups_of)
        found = list(Budget.objects.filter(applicable).order_by())
        own = [budget.daily_limit for budget in found if budget.user_id]
        groups = [budget.daily_limit for budget in found if budget.group_id]
        site = [budget.daily_limit for budget in found if budget.whole_site]
        return cls(user_id, max(own or groups, default=None), max(site, default=None))

    @property
    def exist(self) -> bool:
        return self.own is not None or self.site is not None

    @property
    def by_scope(self) -> dict[str, Decimal | None]:
        """In the order in which the counters are locked."""
        return {SITE: self.site, scope_of(self.user_id): self.own}

    def used(self, day: date) -> dict[str, Decimal]:
        """By scope. One query."""
        rows = DailyUse.objects.filter(scope__in=self.by_scope, day=day)
        return dict.fromkeys(self.by_scope, NOTHING) | {row.scope: amount_of(row.used) for row in rows}

    def scarcest(self, day: date) -> tuple[str, Decimal]:
        """Return the scope with the least budget left, and the amount. Call it only if there are limits. One query."""
        used = self.used(day)
        left = {scope: limit - used[scope] for scope, limit in self.by_scope.items() if limit is not None}
        return min(left.items(), key=lambda pair: pair[1])

    def reserve(self, amount: Decimal, day: date) -> bool:
        """Reserve from both the site's and the user's budget; return False, with neither changed, if one is too low.

        Call it in a transaction.
        """
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
    """What all users together used or reserved today, and the limit; None: no limit."""

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
    """Rolls back what was already reserved."""


def scope_of(user_id: int) -> str:
    return f"user:{user_id}"


def today() -> date:
    """In the site's time zone."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def next_day_begins() -> datetime:
    """When budgets reset: midnight in the site's time zone."""
    return datetime.combine(today() + timedelta(days=1), time(), timezone.get_default_timezone())
