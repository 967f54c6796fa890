"""Counters: of ended answers, from the history, and those that processes keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from django.conf import settings
from prometheus_client.core import Metric

from conversations.models import RollUp
from conversations.models.billing.money import amount_of
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.generation import Status
from conversations.models.operations import stats as names
from conversations.models.operations.history import EVER
from conversations.models.operations.stats import Measure, Stats
from streaming.telemetry import counters

from .families import count, counts, histogram

COUNTS = {
    names.TOKENS_IN: ("prompt_tokens", "Tokens that models read for answers that ended."),
    names.TOKENS_CACHED: ("cached_prompt_tokens", "Of these, tokens from the model server's prefix cache."),
    names.TOKENS_OUT: ("completion_tokens", "Tokens that models wrote in answers that ended."),
    names.FAILOVERS: ("failovers", "Model servers that failed in answers that ended, so that another one continued."),
    names.TAKEOVERS: ("takeovers", "Attempts that continued what another had begun, of answers that ended."),
    names.STOPS: ("stop_requests", "Stop requests, of answers that ended."),
}
HISTOGRAMS = {
    Measure.FIRST_TOKEN: (
        "time_to_first_token_seconds",
        "From the acceptance of a question to the model's first token, as the server saw it.",
    ),
    Measure.MODEL_FIRST_TOKEN: (
        "model_time_to_first_token_seconds",
        "From the request to a model server to its first token, without the time in our queue.",
    ),
    Measure.PERCEIVED: (
        "perceived_time_to_first_token_seconds",
        "From the click to visible text, as browsers report it.",
    ),
    Measure.QUEUED: ("queue_wait_seconds", "From the acceptance of a question until a worker claims it, or it ends."),
    Measure.DURATION: (
        "generation_duration_seconds",
        "From the acceptance of a question to the end of its answer, stored and published, however it ended.",
    ),
    Measure.STOP: ("time_to_stop_seconds", "From a stop request to the closed connection to the model server."),
}


def of_answers() -> Iterable[Metric]:
    """One query."""
    found, costs = Stats(), Counter[str]()
    rows = RollUp.objects.filter(grain=EVER).order_by("tier")
    for tier, added, histograms in rows.values_list("tier", "counts", "histograms"):
        found.add_json(added, histograms)
        costs[tier] += added.get(names.COST, 0)
    outcomes = {str(status): found.counts[f"{names.ANSWERS}{status}"] for status in Status if status.is_final}
    yield counts("generations", "Answers that ended, by outcome.", "outcome", outcomes)
    errors = {str(code): found.counts[f"{names.ERRORS}{code}"] for code in ErrorCode}
    yield counts("generation_errors", "Answers that failed, by error.", "code", errors)
    for stored, (name, text) in COUNTS.items():
        yield count(name, text, found.counts[stored])
    spent = {tier: float(amount_of(units)) for tier, units in costs.items() if units}
    text = "Cost of answers, by tier."
    yield counts("cost", text, "tier", spent, currency=settings.BUDGET_CURRENCY)
    for measure, (name, text) in HISTOGRAMS.items():
        yield histogram(name, text, found.of(measure))


def by_processes(counted: Mapping[str, float]) -> Iterable[Metric]:
    text = "Between two tokens of one request to a model server; counted when it has ended, of its last 4,096."
    yield histogram("inter_token_latency_seconds", text, counters.histogram(counters.INTER_TOKEN, counted))
    text = "From an append in Redis to the web process that reads it; measured once a second while it does."
    yield histogram("hub_lag_seconds", text, counters.histogram(counters.HUB_LAG, counted))
    yield count("log_appends", "Entries that workers appended to the logs.", counted.get(counters.LOG_APPENDS, 0))
    yield count("log_appended_bytes", "Size of these entries' records.", counted.get(counters.LOG_BYTES, 0))
    yield count("sockets_opened", "Chat sockets that were opened.", counted.get(counters.SOCKETS_OPENED, 0))
    ways = {way: counted.get(f"{counters.FALLBACK}:{way}", 0) for way in counters.FALLBACKS}
    text = "Answers made otherwise than planned: by another tier, not streamed, without a stage, or cheaper by budget."
    yield counts("fallbacks", text, "way", ways)
    results = {result: counted.get(f"{counters.CACHE}:{result}", 0) for result in ("hit", "joined", "miss")}
    text = "Lookups in the response cache: hit, joined a running request, or neither."
    yield counts("response_cache_requests", text, "result", results)
