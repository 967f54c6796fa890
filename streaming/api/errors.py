"""The API's errors: `{"error": {"code", "message"}}`, with a status.

ApiError
├── NotSignedIn   401  no valid token
├── NotFound      404  does not exist, or belongs to another user
└── TooMuch       400  more fields than Django accepts
"""

from __future__ import annotations

import logging
import math

from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from redis.exceptions import RedisError

from conversations import site_time
from conversations.models.chat.asking import ConversationError, OutOfBudget, TooManyWaiting
from streaming.chat.consumer import SENTENCES
from streaming.coordination.user_limits import TooMany

logger = logging.getLogger(__name__)

STATUSES = {
    "answer_pending": 409,
    "unknown_message": 404,
    "budget": 429,
    "too_many": 429,
    "too_many_waiting": 429,
}  # of refusals shared with the socket; others are 422
REFUSALS = frozenset({401, 404, 409, 422, 429, 503})  # error statuses of any operation
UNAVAILABLE_RETRY_S = 2
CODES = {400: "bad_command", 401: "not_signed_in", 404: "not_found"}


class ApiError(Exception):
    status = 400
    code = "bad_command"


class NotSignedIn(ApiError):
    status = 401
    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__("Send a valid token: `Authorization: Bearer tl_…`. Create one on your settings page.")


class NotFound(ApiError):
    status = 404
    code = "not_found"

    def __init__(self) -> None:
        super().__init__("Not found, or it belongs to another user.")


class TooMuch(ApiError):
    """Django's SuspiciousOperation: thousands of fields in a query."""

    def __init__(self) -> None:
        super().__init__("The request has more fields than this server accepts.")


def register_error_handlers(api: NinjaAPI) -> None:
    """Register handlers, so that every error has the same format."""
    api.add_exception_handler(ApiError, on_api_error)
    api.add_exception_handler(AuthenticationError, lambda request, _: on_api_error(request, NotSignedIn()))
    api.add_exception_handler(ConversationError, on_refusal)
    api.add_exception_handler(ValidationError, on_invalid)
    api.add_exception_handler(Http404, lambda request, _: on_api_error(request, NotFound()))
    api.add_exception_handler(HttpError, on_http_error)
    api.add_exception_handler(SuspiciousOperation, lambda request, _: on_api_error(request, TooMuch()))
    api.add_exception_handler(Exception, on_anything)


def on_api_error(request: HttpRequest, error: ApiError | type[ApiError]) -> HttpResponse:
    assert isinstance(error, ApiError)
    response = answer(error.status, error.code, str(error))
    if isinstance(error, NotSignedIn):
        response["WWW-Authenticate"] = 'Bearer realm="Throughline"'
    return response


def on_refusal(request: HttpRequest, error: ConversationError | type[ConversationError]) -> HttpResponse:
    assert isinstance(error, ConversationError)
    response = answer(STATUSES.get(error.code, 422), error.code, str(error))
    if isinstance(error, OutOfBudget):
        response["Retry-After"] = str(math.ceil((error.ends_at - site_time.now()).total_seconds()))
    if isinstance(error, TooMany | TooManyWaiting):
        response["Retry-After"] = str(math.ceil(error.retry_after_s))
    return response


def on_invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    """Names the fields; never quotes what was sent."""
    assert isinstance(error, ValidationError)
    complaints = (f"{'.'.join(str(step) for step in found['loc'])}: {found['msg']}" for found in error.errors)
    return answer(422, "bad_command", f"Invalid request: {'; '.join(complaints)}.")


def on_http_error(request: HttpRequest, error: HttpError | type[HttpError]) -> HttpResponse:
    assert isinstance(error, HttpError)
    return answer(error.status_code, CODES.get(error.status_code, "bad_command"), f"{error}.")


def on_anything(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)  # type: ignore[arg-type]
    if isinstance(error, DatabaseError | RedisError | OSError):
        response = answer(503, "unavailable", SENTENCES["unavailable"])
        response["Retry-After"] = str(UNAVAILABLE_RETRY_S)
        return response
    return answer(500, "internal", SENTENCES["internal"])


def answer(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
