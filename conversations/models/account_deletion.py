"""Deletion of an account, in steps, since one transaction for all of its data could block everyone else for long.

The user is signed out and the data hidden at once. Then the data is deleted in batches, and the account's row last.
"""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone

from conversations import events, site_time
from conversations.events import AccountClosed

from .chat.api_token import ApiToken
from .chat.conversation import Conversation

LAST_BATCH = timedelta(minutes=1)  # longest time of a batch that begins just before the deadline


class AccountDeletionQuerySet(models.QuerySet["AccountDeletion"]):
    def finish(self, within_s: float) -> int:
        """Delete the accounts for good, and return how many were deleted. Stops after ``within_s``; the next call
        continues."""
        until = time.monotonic() + within_s
        deleted = 0
        for deletion in self.select_related("user").order_by("pk"):
            if not deletion.claim(within_s):
                continue
            try:
                Conversation.objects.filter(owner=deletion.user_id).purge(until)
                if time.monotonic() >= until:
                    break
                deletion.user.delete()
                deleted += 1
            finally:
                self.filter(pk=deletion.pk).update(claimed_until=None)
        return deleted


class AccountDeletion(models.Model):
    """Deleted together with the account's row, so that an interrupted deletion is resumed."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    since = models.DateTimeField(default=timezone.now, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False, help_text="By the process that deletes it.")

    objects = AccountDeletionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"account {self.user_id}"

    def claim(self, within_s: float) -> bool:
        """Return False if another process has claimed it. A killed process keeps its claim for its longest run time."""
        now = site_time.now()
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
        until = now + timedelta(seconds=within_s) + LAST_BATCH
        return bool(AccountDeletion.objects.filter(free, pk=self.pk).update(claimed_until=until))

    @classmethod
    @transaction.atomic
    def begin(cls, user: User) -> None:
        """Disable sign-in, close open pages and stop answers, and free the user name and the email address."""
        anonymous = {"username": f"deleted-{uuid.uuid4()}", "email": "", "first_name": "", "last_name": ""}
        User.objects.filter(pk=user.pk).update(is_active=False, password=make_password(None), **anonymous)
        EmailAddress.objects.filter(user=user).delete()
        ApiToken.objects.owned_by(user).delete()
        cls.objects.get_or_create(user=user)
        Conversation.objects.visible_to(user).delete_softly()
        events.publish(AccountClosed(user.pk))
