"""What happens to conversations, published on commit to whoever registered.

The models' verbs publish, so every door announces alike: page, API, admin, command. What is live registers itself when
its process starts; where nobody did, nobody hears of it.
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
    PINNED = "pinned"  # or no longer
    DELETED = "deleted"  # can be restored
    RESTORED = "restored"
    ERASED = "erased"  # its rows are gone


@dataclass(frozen=True, slots=True)
class ConversationsChanged:
    """Some of one owner's, in the same way."""

    change: Change
    owner: int
    conversations: tuple[UUID, ...]
    title: str = ""  # the new one
    request: UUID | None = None  # the click that asked
    generations: tuple[UUID, ...] = ()  # all that were erased with them


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Whoever runs it shall stop."""

    generation: UUID
    owner: int
    has_ended: bool = False  # at once, since nobody had begun it


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """What is its person's shall be deleted."""

    user: int


Event = ConversationsChanged | StopRequested | AccountClosed
Listener = Callable[[Event], None]

_listeners: list[Listener] = []


def register(listener: Listener) -> None:
    """``listener`` is called in the thread that commits: it does not wait, and does not raise."""
    if listener not in _listeners:
        _listeners.append(listener)


def publish(event: Event) -> None:
    """As soon as the transaction is committed, or now if there is none."""
    transaction.on_commit(partial(_notify, event))


def _notify(event: Event) -> None:
    for listener in _listeners:
        listener(event)
