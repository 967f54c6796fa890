"""Requests for an answer, and the reasons for which they are refused.

ConversationError
├── EmptyText        no visible character
├── EmptyTitle       the same, for a title
├── TextTooLong      more than ``limit`` characters
├── AnswerPending    the conversation has an unfinished answer
├── Deleted          the conversation was deleted, perhaps in another tab
├── UnknownMessage   no such message in this conversation, or of another role
├── NotContinuable   the answer is complete, or has no text
├── NotRetryable     the answer did not fail
├── TooManyWaiting   the user has the maximum of waiting answers
└── OutOfBudget      today's budget is too low for another answer
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from .folding import UNSEEN

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
BLANK_SIGNS = "\u2800\ufffc"  # blank, although Unicode classifies them as symbols
UNSEEN_KINDS = ("Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Mc", "Me")  # blanks, controls, and marks, which need a base


class ConversationError(Exception):
    """``code`` is sent to clients; ``str()`` is a sentence for the user."""

    code = "refused"
    sentence = ""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class EmptyText(ConversationError):
    code = "empty"
    sentence = "Write a message first."


class EmptyTitle(ConversationError):
    code = "empty"
    sentence = "Enter a title, or keep the old one."


class TextTooLong(ConversationError):
    code = "too_long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"Too long: {length:,} of {limit:,} characters. Please shorten it.")


class AnswerPending(ConversationError):
    code = "answer_pending"
    sentence = "An answer is still being written. Wait for it to finish, or stop it first."


class UnknownMessage(ConversationError):
    code = "unknown_message"
    sentence = "This message is no longer in the chat. Reload the page."


class Deleted(ConversationError):
    code = UnknownMessage.code  # pages treat both alike
    sentence = "This chat was deleted, perhaps in another tab. Start a new one."


class NotContinuable(ConversationError):
    code = "not_continuable"
    sentence = "There is nothing to continue: the answer is complete or hasn't started."


class NotRetryable(ConversationError):
    code = "not_retryable"
    sentence = "This answer didn't fail. Use Regenerate to get another one beside it."


class TooManyWaiting(ConversationError):
    code = "too_many_waiting"
    retry_after_s = 10.0

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} of your answers are already waiting. Wait for some to finish, or stop some.")


class OutOfBudget(ConversationError):
    code = "budget"

    def __init__(self, owner: str, ends_at: datetime) -> None:
        """``ends_at``: when the budget resets."""
        self.ends_at = ends_at
        moment = f"{ends_at:%H:%M} on {ends_at.day} {ends_at:%B} ({ends_at.tzinfo})"
        super().__init__(f"{owner} budget for today is too low for this answer. It resets at {moment}.")


@dataclass(frozen=True, slots=True)
class Request:
    """One click, which asks for an answer."""

    client_id: uuid.UUID  # the click's id, from the browser; a repeated click gets the same answer
    clicked_at: datetime | None = None  # by the browser's clock; None if not sent
    expected_tokens: int | None = None  # of the answer
    mode: str = ""  # empty: the site's default
    tier: str = ""  # slug of the tier for all stages; empty: routing decides
    streams: bool = True  # False: requests to model servers are not streamed
    fresh: bool = False  # bypasses the response cache


def check_length(text: str, limit: int | None = None) -> None:
    """Raise EmptyText or TextTooLong. ``limit`` defaults to MESSAGE_MAX_LENGTH."""
    limit = settings.MESSAGE_MAX_LENGTH if limit is None else limit
    if not can_be_seen(text):
        raise EmptyText
    if len(text) > limit:
        raise TextTooLong(len(text), limit)


def can_be_seen(text: str) -> bool:
    """Whether it has any character other than blanks, control characters and characters invisible on their own."""
    return any(
        unicodedata.category(char) not in UNSEEN_KINDS and char not in BLANK_SIGNS and not UNSEEN.match(char)
        for char in text
    )


def storable(text: str) -> str:
    """The text with U+FFFD for what the database or UTF-8 cannot store: NUL and lone surrogates."""
    return UNSTORABLE.sub("\ufffd", text)
