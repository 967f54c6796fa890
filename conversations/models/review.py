"""Reviews of conversations, and the log of reviewers' accesses."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from .chat.conversation import Conversation

DETAILS_LENGTH = 500


class Act(models.TextChoices):
    READ = "read", "read a conversation"
    EXPORTED = "exported", "exported a conversation"
    SEARCHED = "searched", "searched all conversations"
    LISTED = "listed", "listed conversations by a filter"


class AccessLogEntry(models.Model):
    """A reviewer's access to others' conversations. Stored before anything is shown; no page changes or deletes it.

    Copies the names and ids it needs, but no titles or texts, because it outlives people and conversations.
    """

    act = models.CharField(max_length=10, choices=Act.choices, default=Act.READ, db_default=Act.READ)
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.SET_NULL, related_name="access_log")
    conversation_key = models.UUIDField(null=True, db_index=True, help_text="Its id.")
    owner_name = models.CharField(max_length=150, blank=True, db_default="", help_text="Owner of the conversation.")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="access_log"
    )
    reviewer_name = models.CharField(max_length=150, blank=True, db_default="")
    details = models.CharField(max_length=DETAILS_LENGTH, blank=True, db_default="", help_text="The search.")
    accessed_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("-accessed_at",)
        verbose_name = "access log entry"
        verbose_name_plural = "access log"

    def __str__(self) -> str:
        return f"{self.reviewer_name} at {self.accessed_at:%Y-%m-%d %H:%M}"

    @classmethod
    def record(
        cls, reviewer: AbstractUser, act: Act, conversation: Conversation | None = None, details: str = ""
    ) -> None:
        """Store an entry. It is committed on return, unless the caller has begun a transaction."""
        cls.objects.create(
            act=act,
            reviewer_id=reviewer.pk,
            reviewer_name=reviewer.get_username(),
            conversation=conversation,
            conversation_key=conversation.pk if conversation else None,
            owner_name=conversation.owner.get_username() if conversation else "",
            details=details[:DETAILS_LENGTH],
        )


class Review(models.Model):
    """A reviewer's note on a conversation. The latest one counts; earlier ones are kept."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="reviews")
    note = models.TextField(blank=True)
    reviewed_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("-reviewed_at",)

    def __str__(self) -> str:
        return f"{self.reviewer_name}, {self.reviewed_at:%Y-%m-%d %H:%M}"

    @property
    def reviewer_name(self) -> str:
        return self.reviewer.get_username() if self.reviewer else "a former reviewer"
