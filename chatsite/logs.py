"""Formats log lines, and keeps out of them what users wrote, keys, and addresses that contain secrets.

An exception's message may quote a question (a model server's refusal), a row (PostgreSQL) or a command (Redis). So only
its type, the parts known to be safe and its traceback are logged; Django's own pages in DEBUG show all of it.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from streaming.telemetry import correlation

# %s, with the name of an id before it, as in "generation %s".
PLACEHOLDER = re.compile(rf"(?:\b({'|'.join(correlation.NAMES)}) )?%(?:s|d|r|\(\w+\)s)")
OF_PYTHON = (AttributeError, ImportError, NameError, NotImplementedError)  # they quote code only
AWAY = (ConnectionError, TimeoutError, OperationalError, InterfaceError)
LONGEST_CHAIN = 10
LARGEST_GROUP = 3
LONGEST_PATH = 200


class Line(logging.Formatter):
    """For people: one line, with the ids that are not in its message."""

    def __init__(self, process: str):
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        message = message_of(record)
        ids = " ".join(f"{name}={value}" for name, value in ids_of(record).items() if value not in message)
        time = datetime.fromtimestamp(record.created)
        head = f"{time:%H:%M:%S} {self._process:<6} {record.levelname:<7} {record.name}: {message}"
        lines = (f"{head} [{ids}]" if ids else head, exception_of(record))
        return "\n".join(line for line in lines if line)


class Json(logging.Formatter):
    """For machines: one JSON object per line."""

    def __init__(self, process: str):
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        exception = exception_of(record)
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": self._process,
            "pid": record.process,
            "message": message_of(record),
            **ids_of(record),
            **({"exception": exception} if exception else {}),
        }
        return json.dumps(fields)


class Expected(logging.Filter):
    """Reduces expected failures to a warning without a traceback: what Django calls suspicious, requests that it or the
    API refuses (a status below 500), and tasks that could not reach Redis or the database."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        is_of_outsiders = record.name.startswith("django.security.") or getattr(record, "status_code", 500) < 500
        if is_of_outsiders or (record.name == "celery.app.trace" and isinstance(error, AWAY)):
            if record.levelno > logging.WARNING:
                record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        return True


def ids_of(record: logging.LogRecord) -> dict[str, str]:
    """Returns the ids of the current task, of Django's request, and those that the message names ("generation %s")."""
    request = getattr(record, "request", None)
    found = {
        **correlation.known(),
        "request": getattr(request, "request_id", None) or correlation.known().get("request"),
        "user": getattr(getattr(request, "_cached_user", None), "pk", None) or correlation.known().get("user"),
        **dict(named(record)),
    }
    return {name: str(found[name]) for name in correlation.NAMES if found.get(name)}


def named(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    if isinstance(record.args, tuple):
        for placeholder, value in zip(PLACEHOLDER.finditer(str(record.msg)), record.args, strict=False):
            if placeholder[1]:
                yield placeholder[1], value


def message_of(record: logging.LogRecord) -> str:
    args = record.args
    if isinstance(args, Mapping):  # Celery's record of a failed task
        error = record.exc_info[1] if record.exc_info else None
        args = {name: words(error) if error and name == "exc" else safe(args[name], record) for name in args}
    elif args:
        args = tuple(safe(value, record) for value in args)
    try:
        message = str(record.msg) % args if args else safe(record.msg, record)
    except (TypeError, ValueError, KeyError):
        # The format does not fit the arguments, which logging itself would print.
        message = record.msg
    # After the first line, asyncio quotes the exception.
    return str(message).partition("\n")[0] if record.name == "asyncio" else str(message)


def safe(value: object, record: logging.LogRecord) -> Any:
    if isinstance(value, BaseException):
        return words(value)
    request = getattr(record, "request", None)
    return path_of(request) if request is not None and value == getattr(request, "path", None) else value


def path_of(request: Any) -> str:
    """Returns the route instead of the path if the path may contain a secret, such as a password reset key."""
    found = getattr(request, "resolver_match", None)
    if found and any(isinstance(value, str) for value in found.kwargs.values()):
        return f"/{found.route}"
    return str(request.path)[:LONGEST_PATH]


def exception_of(record: logging.LogRecord) -> str:
    """Returns "" if there is none."""
    return "".join(chain(record.exc_info[1])) if record.exc_info and record.exc_info[1] else ""


def chain(error: BaseException, depth: int = 0) -> Iterator[str]:
    """Formats the chain as Python does, the cause first, but each message as ``words`` does."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier and depth < LONGEST_CHAIN:
        yield from chain(earlier, depth + 1)
        yield "\n\nThen:\n"
    yield from traceback.format_tb(error.__traceback__)
    yield words(error)
    if isinstance(error, BaseExceptionGroup) and depth < LONGEST_CHAIN:
        for one in error.exceptions[:LARGEST_GROUP]:
            yield "\n\nIn it:\n"
            yield from chain(one, depth + 1)


def words(error: BaseException) -> str:
    said = safe_words(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def safe_words(error: BaseException) -> str:
    """Returns the part of the message that is known to be safe, or ""."""
    for one in (error, error.__cause__):
        for name in ("in_short", "sqlstate", "sqlite_errorname"):
            if known := getattr(one, name, None):
                return str(known)
    if isinstance(error, ResponseError):  # the rest may quote the command, which contains the text
        return str(error).rpartition("pipeline caused error: ")[2].partition(" ")[0][:20]
    if isinstance(error, (RedisError, *OF_PYTHON)):
        return str(error)
    return (error.strerror or "") if isinstance(error, OSError) else ""
