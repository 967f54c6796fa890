"""An episode: a period in which a rule was broken for one subject, such as a model server.

All changes are conditional updates that filter by the expected state, so any number of processes may watch at once, and
any of them may die: each episode is raised once, ended once, and sent once per channel.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models, transaction
from django.db.models.functions import Greatest, Least

from conversations import site_time

from .alert_delivery import AlertDelivery, Kind, Way
from .alert_rule import SENTENCES, AlertRule, Comparison, Figure

KEPT = timedelta(days=90)  # after its end
RECOVERS_AFTER = timedelta(minutes=1)  # within the threshold, so that alerts don't flap


class EpisodeQuerySet(models.QuerySet["AlertEpisode"]):
    def open(self) -> Self:
        """Raised and not ended; the latest first."""
        return self.filter(raised_at__isnull=False, ended_at=None).order_by("-raised_at", "-pk")

    def ended(self) -> Self:
        return self.filter(raised_at__isnull=False, ended_at__isnull=False).order_by("-ended_at", "-pk")

    def forget_old(self) -> None:
        self.filter(ended_at__lt=site_time.now() - KEPT).delete()

    def end_of_disabled_rules(self) -> int:
        """Sends no message: the operator who disabled the rule knows."""
        of_disabled = self.filter(ended_at=None, rule__enabled=False)
        of_disabled.filter(raised_at=None).delete()
        return of_disabled.update(ended_at=site_time.now())


class AlertEpisode(models.Model):
    """Raised only after it has lasted as long as the rule requires."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="episodes")
    subject = models.CharField(max_length=200, blank=True, help_text="Such as a server's name; empty: the site.")
    began_at = models.DateTimeField()
    raised_at = models.DateTimeField(null=True, blank=True, help_text="When it had lasted long enough to be told.")
    well_since = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, db_index=True)
    value = models.FloatField(help_text="The last one that broke the rule.")
    worst = models.FloatField()

    objects = EpisodeQuerySet.as_manager()

    class Meta:
        ordering = ("-began_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["rule", "subject"], condition=models.Q(ended_at=None), name="one_open_episode_per_subject"
            ),
        )

    def __str__(self) -> str:
        return f"{self.rule}{f': {self.subject}' if self.subject else ''}"

    @property
    def sentence(self) -> str:
        """What is wrong: the current value or, if the episode has ended, the worst."""
        value = self.worst if self.ended_at else self.value
        return SENTENCES[Figure(self.rule.figure)].format(value=value, subject=self.subject) + "."

    @property
    def failures(self) -> list[AlertDelivery]:
        """Deliveries that have failed and not succeeded yet. Uses prefetched deliveries."""
        return [delivery for delivery in self.deliveries.all() if delivery.last_error and not delivery.sent_at]

    # Life cycle

    @staticmethod
    def go_on(rule: AlertRule, subject: str, value: float, now: datetime) -> None:
        """Begin or continue an episode, since the rule is broken, and raise it when it is due."""
        new = AlertEpisode(rule=rule, subject=subject, began_at=now, value=value, worst=value)
        AlertEpisode.objects.bulk_create([new], ignore_conflicts=True)  # unless one is open
        worse = Greatest if rule.comparison == Comparison.ABOVE else Least
        unended = AlertEpisode.objects.filter(rule=rule, subject=subject, ended_at=None)
        unended.update(value=value, worst=worse("worst", models.Value(value)), well_since=None)
        due = unended.filter(raised_at=None, began_at__lte=now - timedelta(minutes=rule.minutes))
        for episode in due.select_related("rule"):
            episode._raise(now)

    @transaction.atomic
    def _raise(self, now: datetime) -> None:
        """Raise it and store its deliveries atomically, so that a process that dies in between loses no message."""
        if AlertEpisode.objects.filter(pk=self.pk, raised_at=None, ended_at=None).update(raised_at=now):
            self._create_deliveries(Kind.RAISED, self.rule.ways, now)

    def get_well(self, now: datetime) -> None:
        """The rule is no longer broken: end the episode after RECOVERS_AFTER, or delete it if it was not raised."""
        unended = AlertEpisode.objects.filter(pk=self.pk, ended_at=None)
        if self.raised_at is None:
            unended.filter(raised_at=None).delete()
        elif self.well_since is None:
            unended.filter(well_since=None).update(well_since=now)
        elif now - self.well_since >= RECOVERS_AFTER:
            self._end(now)

    @transaction.atomic
    def _end(self, now: datetime) -> None:
        """End it, unless another process has seen the rule broken since."""
        still_well = AlertEpisode.objects.filter(pk=self.pk, ended_at=None, well_since=self.well_since)
        if still_well.update(ended_at=models.F("well_since")):
            raised_ways = self.deliveries.filter(kind=Kind.RAISED).values_list("way", flat=True)
            self._create_deliveries(Kind.RECOVERED, [way for way in self.rule.ways if way in set(raised_ways)], now)

    def _create_deliveries(self, kind: Kind, ways: list[Way], now: datetime) -> None:
        AlertDelivery.objects.bulk_create(
            [AlertDelivery(episode=self, kind=kind, way=way, made_at=now, next_try_at=now) for way in ways],
            ignore_conflicts=True,
        )
