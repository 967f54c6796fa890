"""Sends due alert messages by email and to webhooks. Failures are recorded, and retried later.

A try is claimed before it is made. If the process is killed between sending and recording it, the message is sent a
second time, with the same id: never sending it would be worse.
"""

from __future__ import annotations

import logging
from datetime import datetime
from smtplib import SMTPException

from asgiref.sync import async_to_sync
from django.core.mail import EmailMessage

from conversations import site_time
from conversations.accounts.mail import REACHES_NOBODY, mails_reach_nobody
from conversations.models import AlertDelivery, AlertRule
from conversations.models.encrypted import unreadable, unreadable_fields
from conversations.models.operations.alert_delivery import Way

from .message import Message, message_of
from .webhook import NotDelivered, post

logger = logging.getLogger(__name__)


def deliver(now: datetime | None = None) -> None:
    """``now``: the time to use throughout; None: the current time, read for each delivery."""
    for delivery in AlertDelivery.objects.due(now or site_time.now()):
        if delivery.claim(now or site_time.now()):
            attempt(delivery, now)


def attempt(delivery: AlertDelivery, now: datetime | None) -> None:
    rule = delivery.episode.rule
    try:
        send(rule, Way(delivery.way), message_of(delivery))
    except NotDelivered as error:
        logger.warning("alert %s was not sent by %s: %s", delivery.episode_id, delivery.way, error)
        delivery.fail(str(error), now or site_time.now())
    else:
        delivery.succeed(site_time.now())


def send(rule: AlertRule, way: Way, message: Message) -> None:
    """Raises NotDelivered. Sends nothing if the rule no longer has recipients."""
    if way is Way.EMAIL and rule.recipients:
        mail(rule.recipients, message)
    elif way is Way.WEBHOOK:
        for name in unreadable_fields(rule):
            raise NotDelivered(unreadable(rule, name))
        if rule.webhook_url:
            async_to_sync(post)(rule.webhook_url, rule.webhook_secret, message.data)


def mail(recipients: list[str], message: Message) -> None:
    # The same id at each try, so that mail programs detect duplicates.
    headers = {"Message-ID": f"<{message.id}@alerts.throughline>"}
    try:
        EmailMessage(message.subject, message.text, to=recipients, headers=headers).send()
    except SMTPException as error:
        raise NotDelivered(f"The mail server refused it ({type(error).__name__}).") from error
    except OSError as error:
        raise NotDelivered(f"The mail server cannot be reached ({type(error).__name__}).") from error
    if mails_reach_nobody():
        raise NotDelivered(REACHES_NOBODY)
