"""What reviewers do: they look at a conversation, which is recorded, and judge it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .conversation import Conversation


class Look(models.Model):
    """A reviewer opened a conversation. Written before its content is shown; never changed."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="looks")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="looks")
    looked_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("-looked_at",)

    def __str__(self) -> str:
        return f"{self.reviewer} at {self.looked_at:%Y-%m-%d %H:%M}"


class Review(models.Model):
    """A reviewer's judgement of a conversation; the latest one counts, the earlier ones stay."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    note = models.TextField(blank=True)
    reviewed_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("-reviewed_at",)

    def __str__(self) -> str:
        return f"{self.reviewer}, {self.reviewed_at:%Y-%m-%d %H:%M}"
