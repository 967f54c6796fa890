"""Events about conversations, published to registered listeners on commit.

The models' methods publish, so pages, the API, the admin and commands all do. The live part registers its listener
when a process starts; in a process without listeners, events are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from uuid import UUID

from django.db import transaction


class Change(StrEnum):
    ASKED = "asked"
    SWITCHED = "switched"  # another path is shown
    TITLED = "titled"
    PINNED = "pinned"  # or unpinned
    DELETED = "deleted"  # can be restored
    RESTORED = "restored"
    ERASED = "erased"  # rows deleted


@dataclass(frozen=True, slots=True)
class ConversationsChanged:
    """The same change to one or more conversations of one owner."""

    change: Change
    owner: int
    conversations: tuple[UUID, ...]
    title: str = ""  # the new one
    request: UUID | None = None  # the click's id
    generations: tuple[UUID, ...] = ()  # erased with the conversation


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The process that runs this generation should stop it."""

    generation: UUID
    owner: int
    has_ended: bool = False  # it was still queued, so it ended at once


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """The account and all of its data are to be deleted."""

    user: int


Event = ConversationsChanged | StopRequested | AccountClosed
Listener = Callable[[Event], None]

_listeners: list[Listener] = []


def register(listener: Listener) -> None:
    """Call ``listener`` for each event, in the thread that commits. It must not block or raise."""
    if listener not in _listeners:
        _listeners.append(listener)


def publish(event: Event) -> None:
    """Publish when the transaction commits, or now if there is none."""
    transaction.on_commit(partial(_notify, event))


def _notify(event: Event) -> None:
    for listener in _listeners:
        listener(event)
