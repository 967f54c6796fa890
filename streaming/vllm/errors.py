"""What can go wrong with a model server.

ModelServerError
├── Unreachable      no connection, or it broke
├── TookTooLong      no token for too long
├── BadReply         not what the protocol says
└── Rejected         an error that the server itself told, by status or inside the stream
"""

from __future__ import annotations

import msgspec

from conversations.models.errors import ErrorCode

CODES = {401: ErrorCode.UNAUTHORISED, 403: ErrorCode.UNAUTHORISED, 404: ErrorCode.UNKNOWN_MODEL,
         429: ErrorCode.OVERLOADED, 503: ErrorCode.OVERLOADED}  # fmt: skip


class ModelServerError(Exception):
    """``code`` becomes a sentence for the user, ``str()`` is for operators."""

    code = ErrorCode.INTERNAL
    permanent = False  # no other server helps
    is_servers_fault = True  # and not the request's

    @property
    def in_short(self) -> str:
        """For logs: without what the server said, which may quote the question."""
        return type(self.__cause__).__name__ if self.__cause__ else str(self)


class Unreachable(ModelServerError):
    code = ErrorCode.NO_SERVER


class TookTooLong(ModelServerError):
    def __init__(self, seconds: float, *, had_tokens: bool):
        super().__init__(f"no {'further' if had_tokens else 'first'} token within {seconds:g} s")
        self.code = ErrorCode.TIMEOUT_SILENCE if had_tokens else ErrorCode.TIMEOUT_FIRST_TOKEN


class BadReply(ModelServerError):
    code = ErrorCode.BAD_REPLY


class Rejected(ModelServerError):
    def __init__(self, status: int, message: str):
        super().__init__(f"{status}: {message}")
        self.status = status
        self.code = code_for(status, message)
        self.permanent = self.code == ErrorCode.CONTEXT_TOO_LONG
        self.is_servers_fault = status >= 500 or self.code in (ErrorCode.UNAUTHORISED, ErrorCode.UNKNOWN_MODEL)

    @property
    def in_short(self) -> str:
        return f"{self.status} {self.code}"


class ErrorBody(msgspec.Struct):
    message: str = ""
    code: int | str | None = None


class ErrorReply(msgspec.Struct):
    """``error`` is an object, a bare string (401), or missing (vLLM up to 0.9.2: the fields at the top)."""

    error: ErrorBody | str | None = None
    message: str = ""


def code_for(status: int, message: str) -> ErrorCode:
    if status in CODES:
        return CODES[status]
    if status == 400 and ("context length" in message or "max_tokens must be at least 1" in message):
        return ErrorCode.CONTEXT_TOO_LONG
    return ErrorCode.REFUSED if 400 <= status < 500 else ErrorCode.SERVER_ERROR


def rejection(status: int, body: bytes, api_key: str = "") -> Rejected:
    """From a response that is no 200; a body that is no JSON is cut and quoted, without the key that it may quote."""
    if api_key:
        body = body.replace(api_key.encode(), b"[key]")
    try:
        reply = msgspec.json.decode(body, type=ErrorReply)
    except (msgspec.DecodeError, UnicodeError):
        return Rejected(status, body[:300].decode("utf-8", "replace"))
    if isinstance(reply.error, ErrorBody):
        return Rejected(status, reply.error.message)
    return Rejected(status, reply.error or reply.message)
