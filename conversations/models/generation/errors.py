"""Why an answer failed: a code for the record, and a sentence for the user that says what to do."""

from django.db import models


class ErrorCode(models.TextChoices):
    NO_SERVER = "no_server", "The model server cannot be reached. Your question is kept: retry in a moment."
    TIMEOUT_FIRST_TOKEN = "timeout_first_token", "The model did not begin to answer in time. Retry, or ask in a while."
    TIMEOUT_SILENCE = "timeout_silence", "The model fell silent in the middle of the answer. Continue it, or retry."
    UNAUTHORISED = "unauthorised", "The model server refused this site's key. Contact your administrator, then retry."
    UNKNOWN_MODEL = (
        "unknown_model",
        "The model server does not know this model. Contact your administrator, then retry.",
    )
    CONTEXT_TOO_LONG = (
        "context_too_long",
        "This conversation has become too long for the model. Start a new chat, or shorten your question.",
    )
    REFUSED = "refused", "The model server refused the request. Change the question a little, or tell an operator."
    OVERLOADED = "overloaded", "The model server has too much to do just now. Retry in a moment."
    SERVER_ERROR = "server_error", "The model server had an error while it answered. Retry, or continue the answer."
    BAD_REPLY = "bad_reply", "The model server sent something that cannot be read. Retry, or tell an operator."
    REDIRECTED = (
        "redirected",
        "The model server's address redirects to another one. Contact your administrator, then retry.",
    )
    FILTERED = (
        "filtered",
        "The model server's content filter stopped this answer. Rephrase your question, or retry.",
    )
    DECLINED = "declined", "The model declined to answer this. Rephrase your question, or retry."
    TOOL_CALL = (
        "tool_call",
        "The model asked for a tool instead of answering, and this chat has none. Retry, or rephrase your question.",
    )
    NO_ROOM = (
        "no_room",
        "The model reached its length limit before it wrote any text. Retry, or ask for something shorter.",
    )
    EMPTY = "empty", "The model ended its answer without writing anything. Retry, or rephrase your question."
    STAGE_TIMEOUT = "stage_timeout", "The answer took longer than is allowed here. Continue it, or retry."
    BUDGET = "budget", "Today's budget does not suffice for this answer. Retry it tomorrow, when there is a new one."
    TOO_MANY_ATTEMPTS = "too_many_attempts", "The answer was interrupted too often. Retry, or continue it."
    INTERNAL = "internal", "Something went wrong on our side while this was written. Retry, or tell an operator."


def sentence_of(code: str) -> str:
    """INTERNAL's for a code that this version does not know, such as a later one's after a step back."""
    return str(ErrorCode(code).label if code in ErrorCode.values else ErrorCode.INTERNAL.label)
