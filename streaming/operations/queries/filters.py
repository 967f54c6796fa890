"""The filters of the operators' list of generations."""

from __future__ import annotations

import re
from datetime import timedelta

from django import forms
from django.db.models import Exists, OuterRef, Q

from conversations import site_time
from conversations.models import Generation, LedgerEntry
from conversations.models.generation.generation import UNFINISHED, GenerationQuerySet, Status
from streaming.planning.tiers import known_tiers

UNFINISHED_ONES = "unfinished"
STATES = [("", "All"), (UNFINISHED_ONES, "Unfinished"), *Status.choices]
LENGTHS = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("Hour", timedelta(hours=1)),
    "1d": ("Day", timedelta(days=1)),
    "7d": ("Week", timedelta(days=7)),
}
PERIODS = [("", "All"), *((key, name) for key, (name, _) in LENGTHS.items())]
HEX = "[0-9a-f]"
ID = re.compile(rf"({HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}})(?:-\d+-\d+-\d+)?")
NO_ID = "An id has 32 digits and letters from a to f, in five groups. This has not, so it was passed over."
NEVER_READ = ("message__conversation__title", "message__conversation__owner__password", "stopped_by__password")


def tier_choices() -> list[tuple[str, str]]:
    return [("", "All"), *((tier.slug, tier.name) for tier in known_tiers())]


class Filters(forms.Form):
    """An invalid field is ignored, and shows an error."""

    state = forms.ChoiceField(choices=STATES, required=False)
    owner = forms.CharField(max_length=150, required=False, label="User")
    server = forms.CharField(max_length=200, required=False)
    tier = forms.ChoiceField(choices=tier_choices, required=False)
    period = forms.ChoiceField(choices=PERIODS, required=False, label="Accepted within")
    id = forms.CharField(required=False, label="Id")
    stuck = forms.BooleanField(required=False, label="Stuck only")

    def clean_id(self) -> str:
        """Also accepts the request id that a model server was given, which begins with the generation's id."""
        given = str(self.cleaned_data["id"]).lower()
        found = ID.fullmatch(given)
        if given and not found:
            raise forms.ValidationError(NO_ID)
        return found[1] if found else ""

    def rows(self) -> GenerationQuerySet:
        """Latest first. If only stuck ones are wanted: all that can be stuck."""
        self.is_valid()
        rows = Generation.objects.select_related("message__conversation__owner", "timing", "stopped_by")
        rows = rows.without_texts().defer(*NEVER_READ).order_by("-accepted_at", "pk")
        for narrow in (self._of_state, self._of_owner, self._of_server, self._of_tier, self._of_period, self._of_id):
            rows = narrow(rows)
        return rows

    @property
    def wants_stuck(self) -> bool:
        self.is_valid()
        return bool(self.cleaned_data.get("stuck"))

    @property
    def looks_at_all(self) -> bool:
        """Whether the query scans until the page is full: no index covers owner, server or tier.

        An operator may do so once; every two seconds it would slow down everybody.
        """
        self.is_valid()
        is_narrow = self.wants_stuck or self._value("state") == UNFINISHED_ONES or bool(self._value("period"))
        return not is_narrow and any(self._value(name) for name in ("owner", "server", "tier"))

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
        """One of its stages was planned for the tier, or written by it."""
        tier = self._value("tier")
        of_tier = LedgerEntry.objects.filter(generation_id=OuterRef("pk"), tier=tier)
        return rows.filter(Exists(of_tier)) if tier else rows

    def _of_period(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        period = self._value("period")
        return rows.filter(accepted_at__gte=site_time.now() - LENGTHS[period][1]) if period else rows

    def _of_id(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        """The id of the generation, its message, or its click, which logs call the request."""
        pk = self._value("id")
        return rows.filter(Q(pk=pk) | Q(message_id=pk) | Q(client_id=pk)) if pk else rows
