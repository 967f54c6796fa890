"""The ids that log lines are about: set where a command, a task or a request begins, known to every call below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

NAMES = ("request", "generation", "conversation", "user", "attempt")
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """What is done within is about these, too. None: not known."""
    before = _ids.get()
    add(**ids)
    try:
        yield
    finally:
        _ids.set(before)


def add(**ids: object) -> None:
    """For what was found out on the way; until the enclosing ``about``, or the task, ends."""
    _ids.set({**_ids.get(), **{name: str(value) for name, value in ids.items() if value}})


def known() -> Mapping[str, str]:
    return _ids.get()
