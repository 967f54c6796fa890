"""Metrics that only grow: of the rows (counter_export.py), and of the processes (streaming/telemetry/counters.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.conf import settings
from prometheus_client.core import Metric

from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.generation import Status
from streaming.telemetry import counters
from streaming.telemetry.histograms import (
    DURATION,
    FELT_TIME_TO_FIRST_TOKEN,
    HUB_LAG,
    INTER_TOKEN,
    MODEL_TIME_TO_FIRST_TOKEN,
    QUEUE_WAIT,
    TIME_TO_FIRST_TOKEN,
    TIME_TO_STOP,
)

from .families import count, counts, histogram

COUNTS = {
    "prompt_tokens": "Tokens that models read for generations that ended.",
    "cached_prompt_tokens": "Of these, tokens that the model server remembered.",
    "completion_tokens": "Tokens that models wrote in generations that ended.",
    "failovers": "Model servers that failed in generations that ended, so that another one went on.",
    "takeovers": "Attempts that went on with what another had begun, of generations that ended.",
    "stop_requests": "Generations that were asked to stop, of those that ended.",
}
HISTOGRAMS = {
    TIME_TO_FIRST_TOKEN: (
        "time_to_first_token_seconds",
        "From the acceptance of a question to the model's first token, as the server saw it.",
    ),
    MODEL_TIME_TO_FIRST_TOKEN: (
        "model_time_to_first_token_seconds",
        "From the request to a model server to its first token, without the time in our queue.",
    ),
    FELT_TIME_TO_FIRST_TOKEN: (
        "felt_time_to_first_token_seconds",
        "From the click to visible text, as the browser told.",
    ),
    QUEUE_WAIT: ("queue_wait_seconds", "From the acceptance of a question to a worker that takes it on."),
    DURATION: (
        "generation_duration_seconds",
        "From the acceptance of a question to the end of its answer, stored and told, however it ended.",
    ),
    TIME_TO_STOP: (
        "time_to_stop_seconds",
        "From a stop request's arrival to the closed connection to the model server.",
    ),
}


def of_generations(ended: Mapping[str, float]) -> Iterable[Metric]:
    outcomes = {str(status): ended.get(f"ended:{status}", 0) for status in Status if status.is_final}
    yield counts("generations", "Generations that ended, by outcome.", "outcome", outcomes)
    errors = {str(code): ended.get(f"errors:{code}", 0) for code in ErrorCode}
    yield counts("generation_errors", "Generations that failed, by error.", "code", errors)
    for name, text in COUNTS.items():
        yield count(name, text, ended.get(name, 0))
    costs = {name.removeprefix("cost:"): cost for name, cost in sorted(ended.items()) if name.startswith("cost:")}
    currency = settings.BUDGET_CURRENCY
    yield counts("cost", "What stages that were settled cost, by tier.", "tier", costs, currency=currency)
    for stored, (name, text) in HISTOGRAMS.items():
        yield histogram(name, text, ended, stored)


def by_processes(told: Mapping[str, float]) -> Iterable[Metric]:
    text = "Between two tokens of one request to a model server; told when it has ended, of its last 4,096."
    yield histogram("inter_token_latency_seconds", text, told, INTER_TOKEN)
    text = "From an append in Redis to the web process that reads it; measured once a second while it does."
    yield histogram("hub_lag_seconds", text, told, HUB_LAG)
    yield count("log_appends", "Entries that workers appended to the logs.", told.get(counters.LOG_APPENDS, 0))
    yield count("log_appended_bytes", "Size of these entries' records.", told.get(counters.LOG_BYTES, 0))
    yield count("sockets_opened", "Chat sockets that were opened.", told.get(counters.SOCKETS_OPENED, 0))
    ways = {way: told.get(f"{counters.FALLBACK}:{way}", 0) for way in counters.FALLBACKS}
    text = "What was made otherwise than planned: by another tier, not streamed, without a stage, or cheaper by budget."
    yield counts("fallbacks", text, "way", ways)
    results = {result: told.get(f"{counters.CACHE}:{result}", 0) for result in ("hit", "joined", "miss")}
    text = "Requests that the response cache was asked for: found, read along with a running one, or neither."
    yield counts("response_cache_requests", text, "result", results)
