"""One who asks and notes when tokens come: through the site (page.py), or from the model server (direct.py)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from . import Failed
from .journal import Journal

T = TypeVar("T")
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Place:
    """What is measured, and by whom it is asked."""

    site: str  # host:port
    model: str  # host:port
    cookie_name: str
    sessions: list[str]  # keys, one per person
    journal: Journal

    def cookie(self, number: int) -> str:
        return f"{self.cookie_name}={self.sessions[number % len(self.sessions)]}"


class Asker(ABC):
    """Asks once. ``begun`` is set with the first token, ``ended`` with the last, or when it failed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.request = ""  # the beginning of its request's id in the journal
        self.asked_at = 0.0
        self.begun_at = 0.0
        self.trouble = ""  # why it failed
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    def ask(self, tokens: int, rate: float) -> None: ...

    @abstractmethod
    def arrivals(self) -> list[float]:
        """When each token came. Reads all that was heard."""

    @abstractmethod
    def bytes_between(self, begin: float, end: float) -> int: ...

    @abstractmethod
    def close(self) -> None: ...

    @property
    def ttft(self) -> float:
        return self.begun_at - self.asked_at

    async def finish(self, patience_s: float = PATIENCE_S) -> None:
        """Raises Failed."""
        await within(patience_s, self.ended.wait(), "an answer did not end")
        if self.trouble:
            raise Failed(self.trouble)

    def begin(self, now: float) -> None:
        if not self.begun_at:
            self.begun_at = now
            self.begun.set()

    def fail(self, why: str) -> None:
        if not self.ended.is_set():
            self.trouble = why
            self.begun.set()
            self.ended.set()


async def within(seconds: float, coming: Awaitable[T], otherwise: str) -> T:
    """Raises Failed."""
    try:
        return await asyncio.wait_for(coming, seconds)
    except TimeoutError as error:
        raise Failed(f"{otherwise} within {seconds:.0f} s") from error


def question(tokens: int, rate: float) -> str:
    """Answered by the demo model with numbered tokens, the first one at once."""
    return f"[[demo ttft=0 rate={rate:g}]] count to {tokens}"


def address_of(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)
