"""Which generations an operator wants to see."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.db.models import Exists, OuterRef
from django.utils import timezone

from conversations.models import Generation, LedgerEntry
from conversations.models.generation import UNFINISHED, GenerationQuerySet, Status
from streaming.tiers import known_tiers

UNFINISHED_ONES = "unfinished"
STATES = [("", "All"), (UNFINISHED_ONES, "Unfinished"), *Status.choices]
LENGTHS = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("Hour", timedelta(hours=1)),
    "1d": ("Day", timedelta(days=1)),
    "7d": ("Week", timedelta(days=7)),
}
PERIODS = [("", "All"), *((key, name) for key, (name, _) in LENGTHS.items())]
NEVER_READ = (
    *("error_detail", "message__conversation__title"),
    *("message__conversation__owner__password", "stopped_by__password"),
)


def tier_choices() -> list[tuple[str, str]]:
    return [("", "All"), *((tier.slug, tier.name) for tier in known_tiers())]


class Filters(forms.Form):
    """A field that holds nonsense is passed over."""

    state = forms.ChoiceField(choices=STATES, required=False)
    owner = forms.CharField(max_length=150, required=False, label="User")
    server = forms.CharField(max_length=200, required=False)
    tier = forms.ChoiceField(choices=tier_choices, required=False)
    period = forms.ChoiceField(choices=PERIODS, required=False, label="Accepted within")
    stuck = forms.BooleanField(required=False, label="Stuck only")

    def rows(self) -> GenerationQuerySet:
        """The latest first. Of those that are stuck: all that can be."""
        self.is_valid()
        rows = Generation.objects.select_related("message__conversation__owner", "clock", "stopped_by")
        rows = rows.defer(*NEVER_READ).order_by("-accepted_at", "pk")
        for narrow in (self._of_state, self._of_owner, self._of_server, self._of_tier, self._of_period):
            rows = narrow(rows)
        return rows

    @property
    def wants_stuck(self) -> bool:
        self.is_valid()
        return bool(self.cleaned_data.get("stuck"))

    def _value(self, name: str) -> str:
        return str(self.cleaned_data.get(name, ""))

    def _of_state(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        if self.wants_stuck:
            rows = rows.unfinished()
        state = self._value("state")
        if state == UNFINISHED_ONES:
            return rows.filter(status__in=UNFINISHED)
        return rows.filter(status=state) if state else rows

    def _of_owner(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        owner = self._value("owner")
        return rows.filter(message__conversation__owner__username__icontains=owner) if owner else rows

    def _of_server(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        server = self._value("server")
        return rows.filter(server__icontains=server) if server else rows

    def _of_tier(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        """One of its stages was planned for it, or written by it."""
        tier = self._value("tier")
        of_tier = LedgerEntry.objects.filter(generation_id=OuterRef("pk"), tier=tier)
        return rows.filter(Exists(of_tier)) if tier else rows

    def _of_period(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        period = self._value("period")
        return rows.filter(accepted_at__gte=timezone.now() - LENGTHS[period][1]) if period else rows
