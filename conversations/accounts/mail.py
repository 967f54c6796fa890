"""Detects that no mail transport is configured, and drops emails in that case."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)

REACHES_NOBODY = "EMAIL_URL is not set, so emails reach nobody."
UNSENT = ("console.EmailBackend", "dummy.EmailBackend", "conversations.accounts.mail.Unsent")


class Unsent(BaseEmailBackend):
    """Drops emails because EMAIL_URL is not set. Does not log their content: links in them grant access."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        logger.warning("%d emails were not sent: EMAIL_URL is not set", len(email_messages))
        return 0


def mails_reach_nobody() -> bool:
    return bool(settings.EMAIL_BACKEND.endswith(UNSENT))
