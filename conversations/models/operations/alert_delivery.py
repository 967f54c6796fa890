"""Deliveries of an alert: one message per channel when it is raised, and one when it has recovered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models

from conversations.accounts.mail import mails_reach_nobody

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=1)
MOST_AT_ONCE = 50


class Way(models.TextChoices):
    EMAIL = "email", "email"
    WEBHOOK = "webhook", "webhook"

    @property
    def longest(self) -> timedelta:
        """The longest time of a try. A process that has not recorded a result by then is presumed dead, and the message
        is sent again.

        Sending an email to the maximum of recipients takes about forty steps, each of up to EMAIL_TIMEOUT.
        """
        return {"email": timedelta(minutes=10), "webhook": timedelta(minutes=1)}[self.value]

    @property
    def description(self) -> str:
        return f"{self.label} (reaches nobody)" if self is Way.EMAIL and mails_reach_nobody() else str(self.label)


class Kind(models.TextChoices):
    RAISED = "raised"
    RECOVERED = "recovered"


class DeliveryQuerySet(models.QuerySet["AlertDelivery"]):
    def unsent(self, now: datetime) -> Self:
        """Excludes those that were given up."""
        return self.filter(sent_at=None, made_at__gt=now - GIVEN_UP_AFTER)

    def due(self, now: datetime) -> Self:
        """Oldest first. A recovery waits until its alert was sent or given up."""
        raised = AlertDelivery.objects.unsent(now).filter(
            kind=Kind.RAISED, episode=models.OuterRef("episode"), way=models.OuterRef("way")
        )
        waits = models.Q(kind=Kind.RECOVERED) & models.Exists(raised)
        due = self.unsent(now).filter(next_try_at__lte=now, episode__rule__enabled=True).exclude(waits)
        return due.select_related("episode__rule").order_by("pk")[:MOST_AT_ONCE]


class AlertDelivery(models.Model):
    episode = models.ForeignKey("AlertEpisode", on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    way = models.CharField(max_length=10, choices=Way.choices)
    made_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-made_at", "-pk")
        verbose_name_plural = "alert deliveries"
        constraints = (models.UniqueConstraint(fields=["episode", "kind", "way"], name="told_once_on_each_way"),)

    def __str__(self) -> str:
        return f"{self.episode}, {self.kind}, by {self.get_way_display()}"

    def claim(self, now: datetime) -> bool:
        """Claim the next try; return False if another process was first.

        The try counts even if the process dies while sending. The next one is due when it must have ended.
        """
        row = AlertDelivery.objects.filter(pk=self.pk, sent_at=None, tries=self.tries)
        if not row.update(tries=self.tries + 1, next_try_at=now + Way(self.way).longest):
            return False
        self.tries += 1
        return True

    def succeed(self, now: datetime) -> None:
        AlertDelivery.objects.filter(pk=self.pk, sent_at=None).update(sent_at=now, last_error="")

    def fail(self, sentence: str, now: datetime) -> None:
        """Record the error, unless another process has claimed the next try since."""
        row = AlertDelivery.objects.filter(pk=self.pk, sent_at=None, tries=self.tries)
        row.update(last_error=sentence[:300], next_try_at=now + delay_after(self.tries))


def delay_after(tries: int) -> timedelta:
    """1, 2, 4, … minutes, up to an hour."""
    return min(FIRST_DELAY * (1 << min(tries - 1, 10)), LONGEST_DELAY)
