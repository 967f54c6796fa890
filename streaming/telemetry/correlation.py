"""Correlation ids of log lines: set where a command, task or request begins, and known to every call below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

NAMES = ("request", "generation", "conversation", "user", "attempt")
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Adds these ids within the block. None: unknown, not added."""
    before = _ids.get()
    add(**ids)
    try:
        yield
    finally:
        _ids.set(before)


def add(**ids: object) -> None:
    """Adds ids that become known later; they last until the enclosing ``about`` or the task ends."""
    _ids.set({**_ids.get(), **{name: str(value) for name, value in ids.items() if value}})


def known() -> Mapping[str, str]:
    return _ids.get()
