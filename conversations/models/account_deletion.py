"""An account that is being deleted. What its person wrote can be too much for one transaction: all others wait for it.

So its person is out at once, and all that is theirs is hidden; then it goes bit by bit, and the account's row last.
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

LAST_BATCH = timedelta(minutes=1)  # begun just before the time is over


class AccountDeletionQuerySet(models.QuerySet["AccountDeletion"]):
    def finish(self, within_s: float) -> int:
        """Delete them for good; how many are gone. What is left after ``within_s`` is there for the next time."""
        until = time.monotonic() + within_s
        gone = 0
        for deletion in self.select_related("user").order_by("pk"):
            if not deletion.claim(within_s):
                continue
            try:
                Conversation.objects.filter(owner=deletion.user_id).purge(until)
                if time.monotonic() >= until:
                    break
                deletion.user.delete()
                gone += 1
            finally:
                self.filter(pk=deletion.pk).update(claimed_until=None)
        return gone


class AccountDeletion(models.Model):
    """The row goes with the account's: whatever ends in the middle is begun again."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    since = models.DateTimeField(default=timezone.now, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False, help_text="By the process that deletes it.")

    objects = AccountDeletionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"account {self.user_id}"

    def claim(self, within_s: float) -> bool:
        """False if another process is at it. One that was killed keeps it for as long as it might have taken."""
        now = site_time.now()
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=now)
        until = now + timedelta(seconds=within_s) + LAST_BATCH
        return bool(AccountDeletion.objects.filter(free, pk=self.pk).update(claimed_until=until))

    @classmethod
    @transaction.atomic
    def begin(cls, user: User) -> None:
        """Nobody signs in with it any more, open pages and answers end, and its names are free for others."""
        anonymous = {"username": f"deleted-{uuid.uuid4()}", "email": "", "first_name": "", "last_name": ""}
        User.objects.filter(pk=user.pk).update(is_active=False, password=make_password(None), **anonymous)
        EmailAddress.objects.filter(user=user).delete()
        ApiToken.objects.owned_by(user).delete()
        cls.objects.get_or_create(user=user)
        Conversation.objects.visible_to(user).delete_softly()
        events.publish(AccountClosed(user.pk))
