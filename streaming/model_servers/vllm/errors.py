"""Errors of model servers.

ModelServerError
├── Unreachable      no connection, or it broke
│   └── BrokeOff     the answer's body ended without an end mark
├── TookTooLong      no token for too long
├── BadReply         violates the protocol, or is far too large
├── NoAnswer         the model ended without an answer: filtered, declined, out of room, or empty
└── Rejected         an error that the server reported, by status or inside the stream
"""

from __future__ import annotations

from collections.abc import Mapping

from conversations.models.chat.asking import storable
from conversations.models.generation.errors import ErrorCode

from .clean import Unreadable, decode, tokens

QUOTED = 1000  # characters of a server's message
NESTING = 4  # depth of an error's message in its body

BY_STATUS = {401: ErrorCode.UNAUTHORISED, 403: ErrorCode.UNAUTHORISED, 404: ErrorCode.UNKNOWN_MODEL,
             429: ErrorCode.OVERLOADED, 503: ErrorCode.OVERLOADED}  # fmt: skip
STATUS_BY_NAME = {  # for servers that send a name as the code
    "invalid_api_key": 401, "authentication_error": 401, "permission_error": 403, "model_not_found": 404,
    "rate_limit_exceeded": 429, "rate_limit_error": 429, "insufficient_quota": 429, "overloaded_error": 503,
    "invalid_request_error": 400, "bad_request": 400, "context_length_exceeded": 400, "exceed_context_size_error": 400,
}  # fmt: skip
TOO_LONG = ("context length", "context size", "context window", "context_length", "max_tokens must be at least 1")

# Errors by finish reason: CUT_SHORT also for answers with text, WITHOUT_TEXT only for those without.
CUT_SHORT = {"content_filter": ErrorCode.FILTERED, "refusal": ErrorCode.DECLINED}
WITHOUT_TEXT = {
    **CUT_SHORT,
    "tool_calls": ErrorCode.TOOL_CALL,
    "length": ErrorCode.NO_ROOM,
    "too_long": ErrorCode.BAD_REPLY,
}


class ModelServerError(Exception):
    """``code`` becomes a sentence for users; ``str()`` is for operators."""

    code = ErrorCode.INTERNAL
    permanent = False  # True: no other server can help
    is_servers_fault = True  # False: the request's

    def __init__(self, message: str = ""):
        super().__init__(storable(message[:QUOTED]))

    def hide(self, secret: str) -> None:
        if secret:
            self.args = (str(self).replace(secret, "[key]"),)

    @property
    def in_short(self) -> str:
        """For logs: without the server's message, which may quote the question."""
        return type(self.__cause__).__name__ if self.__cause__ else str(self)


class Unreachable(ModelServerError):
    code = ErrorCode.NO_SERVER


class BrokeOff(Unreachable):
    """A part of the answer has arrived; all of it, if the server never marks the end of answers."""


class TookTooLong(ModelServerError):
    def __init__(self, seconds: float, *, had_tokens: bool):
        super().__init__(f"no {'further token' if had_tokens else 'answer'} within {seconds:g} s")
        self.code = ErrorCode.TIMEOUT_SILENCE if had_tokens else ErrorCode.TIMEOUT_FIRST_TOKEN


class BadReply(ModelServerError):
    code = ErrorCode.BAD_REPLY


class NoAnswer(ModelServerError):
    permanent = True
    is_servers_fault = False

    def __init__(self, code: ErrorCode):
        super().__init__(code.value)
        self.code = code


def missing_answer(finish_reason: str, *, has_text: bool) -> NoAnswer | None:
    """Returns the error of an answer that ended like this; None if it is an answer."""
    codes = CUT_SHORT if has_text else WITHOUT_TEXT
    code = codes.get(finish_reason, None if has_text else ErrorCode.EMPTY)
    return NoAnswer(code) if code else None


class Rejected(ModelServerError):
    def __init__(self, status: int, message: str):
        super().__init__(f"{status}: {message}")
        self.status = status
        self.code = code_for(status, message)
        self.permanent = self.code == ErrorCode.CONTEXT_TOO_LONG
        is_settings_fault = self.code in (ErrorCode.UNAUTHORISED, ErrorCode.UNKNOWN_MODEL, ErrorCode.REDIRECTED)
        self.is_servers_fault = status >= 500 or is_settings_fault

    @property
    def in_short(self) -> str:
        return f"{self.status} {self.code}"


def code_for(status: int, message: str) -> ErrorCode:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if 300 <= status < 400:
        return ErrorCode.REDIRECTED
    if status == 413 or (400 <= status < 500 and any(words in message.lower() for words in TOO_LONG)):
        return ErrorCode.CONTEXT_TOO_LONG
    return ErrorCode.REFUSED if 400 <= status < 500 else ErrorCode.SERVER_ERROR


def rejection(status: int, body: bytes, api_key: str = "", location: str = "") -> Rejected:
    """Returns the error of an unsuccessful response; quotes a body that is not JSON. Hides the API key."""
    if api_key:
        body = body.replace(api_key.encode(), b"[key]")
    if location:
        return Rejected(status, f"it redirects to {location.replace(api_key, '[key]') if api_key else location}")
    try:
        message = sentence_of(decode(body))
    except Unreadable:
        message = ""
    return Rejected(status, (message or body[:300].decode("utf-8", "replace"))[:QUOTED])


def in_stream(error: object) -> Rejected:
    """Returns the error sent instead of a piece of the answer; its code may have any type, or be missing."""
    return Rejected(status_of(error), sentence_of(error)[:QUOTED])


def sentence_of(error: object) -> str:
    """Returns the error's message, and its code if that is a known name."""
    inner = error.get("error", error) if isinstance(error, Mapping) else error
    codes = [inner.get("code"), inner.get("type")] if isinstance(inner, Mapping) else []
    name = next((code for code in codes if isinstance(code, str) and code in STATUS_BY_NAME), "")
    return f"{message_of(error)} ({name})" if name else message_of(error)


def status_of(error: object) -> int:
    """Returns the status by a number or a name in the error; 500 if it has none."""
    fields = error.get("error", error) if isinstance(error, Mapping) else {}
    fields = fields if isinstance(fields, Mapping) else {}
    for value in (fields.get("code"), fields.get("status"), fields.get("type")):
        status = STATUS_BY_NAME.get(value.lower()) if isinstance(value, str) else None
        if status := status or tokens(value):
            return status if 400 <= status < 600 else 500
    return 500


def message_of(error: object, depth: int = 0) -> str:
    """Returns the first text in the fields where servers put it, NESTING levels deep; empty if there is none."""
    if isinstance(error, str):
        return error
    inner: object = None
    if isinstance(error, Mapping):
        names = ("error", "message", "detail", "msg", "errors", "description", "title")
        inner = next((error[name] for name in names if error.get(name)), None)
    elif isinstance(error, list):
        inner = next(iter(error), None)
    return message_of(inner, depth + 1) if inner is not None and depth < NESTING else ""
