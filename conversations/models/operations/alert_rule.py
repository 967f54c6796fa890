"""An alert rule: which metric must not cross which threshold for how long, and who is notified."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from conversations.catalog.addresses import RefusedAddress, normalise_webhook
from conversations.models.encrypted import EncryptedField, is_stored
from conversations.models.names import NameField

from .alert_delivery import Way

LONGEST_MINUTES = 24 * 60
MOST_RECIPIENTS = 20


class Figure(models.TextChoices):
    FIRST_TOKEN = "first_token", "First token, p95 (seconds)"
    ERRORS = "errors", "Failed answers (%)"
    QUEUE = "queue", "Questions that wait"
    OLDEST = "oldest_queued", "Wait of the oldest question (seconds)"
    SERVER = "server_down", "Model server down (1 if it is)"
    BUDGET = "budget", "Today's budget of the site, used (%)"
    STUCK = "stuck", "Answers without progress"
    WORKERS = "workers", "Workers alive"


SENTENCES = {
    Figure.FIRST_TOKEN: "The first token takes {value:.1f} s (p95 of the last five minutes)",
    Figure.ERRORS: "{value:.0f} % of the answers of the last five minutes failed",
    Figure.QUEUE: "Questions that wait: {value:.0f}",
    Figure.OLDEST: "The oldest question has waited for {value:.0f} s",
    Figure.SERVER: "The model server {subject} is down",
    Figure.BUDGET: "{value:.0f} % of the site's budget of today is used",
    Figure.STUCK: "Answers without progress: {value:.0f}",
    Figure.WORKERS: "Workers alive: {value:.0f}",
}
# Thresholds: (minimum, exclusive maximum, error message). Outside of these, a rule would always or never be broken.
RANGES = {
    Figure.FIRST_TOKEN: (0.0, 3600.0, "Seconds: from 0 to less than 3,600."),
    Figure.ERRORS: (0.0, 100.0, "A percentage: from 0 to less than 100."),
    Figure.QUEUE: (0.0, 1e6, "A number of questions: from 0 to less than a million."),
    Figure.OLDEST: (0.0, 86400.0, "Seconds: from 0 to less than 86,400."),
    Figure.SERVER: (0.0, 1.0, "A server is up (0) or down (1): say “above 0”."),
    Figure.BUDGET: (0.0, 100.0, "A percentage: from 0 to less than 100."),
    Figure.STUCK: (0.0, 1e6, "A number of answers: from 0 to less than a million."),
    Figure.WORKERS: (0.0, 1e4, "A number of workers: from 0 to less than 10,000."),
}


class Comparison(models.TextChoices):
    ABOVE = "above"
    BELOW = "below"


class Severity(models.TextChoices):
    WARNING = "warning"
    CRITICAL = "critical"


class AlertRule(models.Model):
    name = NameField(max_length=80, unique=True)
    figure = models.CharField(max_length=20, choices=Figure.choices)
    comparison = models.CharField(max_length=10, choices=Comparison.choices, default=Comparison.ABOVE)
    threshold = models.FloatField(help_text="In the unit of the metric.")
    minutes = models.PositiveSmallIntegerField(default=0, help_text="How long it must last. 0: notifies at once.")
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    enabled = models.BooleanField(default=True)
    emails = models.CharField("email addresses", max_length=1000, blank=True, help_text="Separated by commas.")
    # Encrypted, because anyone who knows a chat program's webhook URL may post to it.
    webhook_url = EncryptedField(
        "webhook", max_length=500, blank=True, help_text="A URL that receives a JSON message by POST."
    )
    webhook_secret = EncryptedField(max_length=200, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def condition(self) -> str:
        lasting = f" for {self.minutes} min" if self.minutes else ""
        if self.figure == Figure.SERVER:
            return f"Model server down{lasting}"
        return f"{Figure(self.figure).label} {self.comparison} {self.threshold:g}{lasting}"

    @property
    def recipients(self) -> list[str]:
        return [address.strip() for address in self.emails.split(",") if address.strip()]

    @property
    def ways(self) -> list[Way]:
        """The channels it is sent on; empty: it appears on the operators' pages only."""
        return [way for way, used in ((Way.EMAIL, self.recipients), (Way.WEBHOOK, is_stored(self.webhook_url))) if used]

    def is_broken_by(self, value: float) -> bool:
        return value > self.threshold if self.comparison == Comparison.ABOVE else value < self.threshold

    def clean(self) -> None:
        wrong = {**self._wrong_condition(), **self._wrong_recipients()}
        if wrong:
            raise ValidationError(wrong)

    def _wrong_condition(self) -> dict[str, str]:
        wrong = {}
        if self.figure in RANGES and self.threshold is not None:
            lowest, limit, sentence = RANGES[Figure(self.figure)]
            if not lowest <= self.threshold < limit:
                wrong["threshold"] = sentence
        if self.comparison == Comparison.BELOW and self.threshold == 0:
            wrong["threshold"] = "Nothing is below 0."
        if self.figure == Figure.SERVER and self.comparison == Comparison.BELOW:
            wrong["comparison"] = "This would alert for servers that are up: say “above 0”."
        if (self.minutes or 0) > LONGEST_MINUTES:
            wrong["minutes"] = f"A day is the longest: {LONGEST_MINUTES:,} minutes."
        return wrong

    def _wrong_recipients(self) -> dict[str, str]:
        wrong = {}
        for address in self.recipients:
            try:
                validate_email(address)
            except ValidationError:
                wrong["emails"] = f"{address} is not an email address."
        if len(self.recipients) > MOST_RECIPIENTS:
            wrong["emails"] = f"{MOST_RECIPIENTS} addresses are the most: use a mailing list."
        try:
            if self.webhook_url:
                self.webhook_url = normalise_webhook(self.webhook_url)
        except RefusedAddress as error:
            wrong["webhook_url"] = str(error)
        return wrong
