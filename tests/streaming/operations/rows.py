"""Generations with known figures, for the operators' tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Conversation, Generation
from conversations.models.chat.asking import Request
from conversations.models.generation.generation import Status

CANARY = "canary-of-a-private-text"


def asked(owner: User, **fields: Any) -> Generation:
    """A queued generation, whose question and title nobody but its owner may see."""
    generation = Conversation.begin(owner, f"{CANARY}?", Request(uuid4()))
    Conversation.objects.update(title=CANARY)
    return changed(generation, **fields)


def ended(owner: User, *, ago: float = 60, ttft: float = 0.5, writing: float = 2.0, **fields: Any) -> Generation:
    """One that ended ``ago`` seconds before now; its phases took 0.1, 0.1, the rest of ``ttft``, ``writing``, 0.1 s."""
    finished = timezone.now() - timedelta(seconds=ago)
    accepted = finished - timedelta(seconds=ttft + writing + 0.1)
    values = {
        "status": Status.DONE,
        "attempt": 1,
        "model": "a-model",
        "server": "a-server:8000",
        "completion_tokens": 101,
        "prompt_tokens": 10,
        "accepted_at": accepted,
        "claimed_at": after(accepted, 0.1),
        "requested_at": after(accepted, 0.2),
        "first_token_at": after(accepted, ttft),
        "last_token_at": after(accepted, ttft + writing),
        "finished_at": finished,
    }
    return asked(owner, **(values | fields))


def failed(owner: User, code: str, **fields: Any) -> Generation:
    """One that failed before its first token."""
    none = {"first_token_at": None, "last_token_at": None, "completion_tokens": None, "prompt_tokens": None}
    error = {"error_code": code, "error_detail": CANARY, "error_in_short": "503"}
    return ended(owner, status=Status.FAILED, **(error | none | fields))


def changed(generation: Generation, **fields: Any) -> Generation:
    Generation.objects.filter(pk=generation.pk).update(**fields)
    generation.refresh_from_db()
    return generation


def after(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)
