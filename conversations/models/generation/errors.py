"""Why an answer failed: a code to store, and a sentence that tells the user what to do."""

from django.db import models


class ErrorCode(models.TextChoices):
    NO_SERVER = "no_server", "The model server can't be reached. Your question is kept. Retry in a moment."
    TIMEOUT_FIRST_TOKEN = "timeout_first_token", "The model didn't start answering in time. Retry now or later."
    TIMEOUT_SILENCE = "timeout_silence", "The model stopped responding. Continue the answer, or retry."
    UNAUTHORISED = "unauthorised", "The model server rejected this site's key. Please tell your administrator."
    UNKNOWN_MODEL = (
        "unknown_model",
        "The model server doesn't have this model. Please tell your administrator.",
    )
    CONTEXT_TOO_LONG = (
        "context_too_long",
        "This chat is too long for the model. Start a new one, or shorten your question.",
    )
    REFUSED = "refused", "The model server rejected the request. Rephrase your question, or tell your administrator."
    OVERLOADED = "overloaded", "The model server is overloaded. Retry in a moment."
    SERVER_ERROR = "server_error", "The model server failed during the answer. Retry, or continue the answer."
    BAD_REPLY = "bad_reply", "The model server sent an unreadable response. Retry, or tell your administrator."
    REDIRECTED = (
        "redirected",
        "The model server's address redirects to another one. Please tell your administrator.",
    )
    FILTERED = (
        "filtered",
        "The model server's content filter stopped this answer. Rephrase your question, or retry.",
    )
    DECLINED = "declined", "The model declined to answer. Rephrase your question, or retry."
    TOOL_CALL = (
        "tool_call",
        "The model asked for a tool, and this chat has none. Retry, or rephrase your question.",
    )
    NO_ROOM = (
        "no_room",
        "The model reached its length limit before writing any text. Retry, or ask for something shorter.",
    )
    EMPTY = "empty", "The model returned an empty answer. Retry, or rephrase your question."
    STAGE_TIMEOUT = "stage_timeout", "The answer took too long. Continue it, or retry."
    BUDGET = "budget", "Today's budget is too low for this answer. Retry after it resets."
    TOO_MANY_ATTEMPTS = "too_many_attempts", "The answer was interrupted too many times. Retry, or continue it."
    INTERNAL = "internal", "Something went wrong on our side. Retry, or tell your administrator."


def sentence_of(code: str) -> str:
    """INTERNAL's sentence for an unknown code, such as that of a later version after a downgrade."""
    return str(ErrorCode(code).label if code in ErrorCode.values else ErrorCode.INTERNAL.label)
