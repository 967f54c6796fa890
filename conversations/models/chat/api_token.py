"""A token with which a user's program signs in to the HTTP API. The secret is shown once and never stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.utils import timezone

from conversations import site_time

from .asking import ConversationError, check_length
from .titles import one_line

PREFIX = "tl_"  # lets people and secret scanners recognise a leaked token
SECRET_BYTES = 32
# Characters of the secret that stay readable, so that users can tell which token a program has.
HINT_LENGTH = len(PREFIX) + 4
NAME_LENGTH = 60
TOKENS_PER_USER = 20
USE_RECORDED_EVERY = timedelta(minutes=1)


class TooManyTokens(ConversationError):
    code = "too_many_tokens"
    sentence = f"You have {TOKENS_PER_USER} tokens, the maximum. Revoke one that you don't use."


class Unnamed(ConversationError):
    code = "empty"
    sentence = "Enter a name, so that you know which token to revoke."


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self) -> Self:
        return self.filter(user__is_active=True)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def with_secret(self, secret: str) -> ApiToken | None:
        """The valid token with this secret, with its user. Looks up the hash, so the time taken reveals nothing."""
        return self.valid().select_related("user").filter(digest=digest_of(secret)).first()


class ApiToken(models.Model):
    """Revoking a token deletes the row."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=NAME_LENGTH)
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the secret, in hex.")
    hint = models.CharField(max_length=HINT_LENGTH, editable=False, help_text="How the secret begins.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @classmethod
    @transaction.atomic
    def make(cls, user: AbstractBaseUser, name: str) -> tuple[ApiToken, str]:
        """Create a token, and return it with its secret, which cannot be read again.

        Raises Unnamed, TextTooLong, TooManyTokens.
        """
        name = one_line(name)
        if not name:
            raise Unnamed
        check_length(name, NAME_LENGTH)
        # Locks, so that two tabs cannot exceed the maximum.
        get_user_model().objects.select_for_update().get(pk=user.pk)
        if cls.objects.filter(user_id=user.pk).count() >= TOKENS_PER_USER:
            raise TooManyTokens
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        hint = secret[:HINT_LENGTH]
        return cls.objects.create(user_id=user.pk, name=name, digest=digest_of(secret), hint=hint), secret

    def record_use(self) -> None:
        """Store the current time, unless any process did so within the last minute."""
        now = site_time.now()
        if self.last_used_at is None or self.last_used_at <= now - USE_RECORDED_EVERY:
            row = ApiToken.objects.filter(pk=self.pk, last_used_at=self.last_used_at)
            row.update(last_used_at=now)


def digest_of(secret: str) -> str:
    """Unsalted: a random 256-bit secret cannot be found in a dictionary."""
    return hashlib.sha256(secret.encode()).hexdigest()
