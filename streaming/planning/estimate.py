"""Estimates an answer's tokens and duration from recent similar answers, and the most tokens that a text can have.

Similar answers share mode, level, domain and tiers; if too few do, fewer of these. Among them, those whose questions
are closest in length count. All stages of an answer count together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from statistics import median, quantiles

import msgspec
from django.db.models import TextField
from django.db.models.functions import Cast

from conversations.models import Generation
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan

LOOKED_AT = 600  # latest ended answers, complete or not
SAMPLE = 300  # complete ones among them
NEIGHBOURS = 30  # of the sample, those whose questions are closest in length
FEWEST = 5  # with fewer there is no estimate
WITHOUT_EXPERIENCE = 400  # tokens, if there is no estimate
KNOWN_FOR_S = 60.0
BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 8
STAGES = 3  # first stages, whose tiers distinguish pipelines

# What similar answers share: the first group with enough answers is used.
GROUPS = (("mode", "level", "domain", "tiers"), ("level", "domain", "tiers"), ("level", "tiers"), ("mode",), ())
SAME_TIERS = ("tiers",)


@dataclass(frozen=True)
class Kind:
    """The kind of a question and its answer; unknown fields are empty."""

    mode: str = ""
    level: str = ""
    domain: str = ""
    tiers: tuple[str, ...] = ()  # of the first stages

    @classmethod
    def of(cls, mode: str, plan: Plan) -> Kind:
        tiers = tuple(stage.tier for stage in plan.stages[:STAGES])
        return cls(mode, plan.level, str(plan.scores.get("domain", "")), tiers)

    def shared(self, names: tuple[str, ...]) -> Shared:
        return names, tuple(getattr(self, name) for name in names)


@dataclass(frozen=True)
class Past:
    """A complete answer."""

    kind: Kind
    length: int  # characters of the question
    tokens: int
    # From acceptance. None, here and below: not streamed by a model server.
    first_token_s: float | None = None
    tokens_per_s: float | None = None


class PastScores(msgspec.Struct, frozen=True):
    domain: str = ""


class PastStage(msgspec.Struct, frozen=True):
    tier: str = ""


class PastPlan(msgspec.Struct, frozen=True):
    """The fields needed of a stored plan: decoding all of it takes ten times as long."""

    level: str = ""
    stages: tuple[PastStage, ...] = ()
    scores: PastScores = PastScores()


read_plan = msgspec.json.Decoder(PastPlan).decode


def expected_tokens(length: int, kind: Kind) -> int:
    """Returns a length that two of three similar answers stay below. At most two queries a minute per process."""
    closest = sorted(similar(kind), key=lambda past: abs(past.length - length))[:NEIGHBOURS]
    if len(closest) < FEWEST:
        return WITHOUT_EXPERIENCE
    return round(quantiles([past.tokens for past in closest], n=3)[1])


def expected_seconds(tokens: int, kind: Kind) -> float | None:
    """Returns the time from acceptance to the last token, as the same tiers took recently; None if too little is
    known."""
    same = lately().get(kind.shared(SAME_TIERS), [])
    waits = [past.first_token_s for past in same if past.first_token_s is not None]
    rates = [past.tokens_per_s for past in same if past.tokens_per_s]
    if len(waits) < FEWEST or len(rates) < FEWEST:
        return None
    return round(median(waits) + tokens / median(rates), 1)


def most_tokens(text: str) -> int:
    """Returns the most tokens of a text, with the markers of its message. Languages need three bytes or more per token;
    digits and rare characters need fewer."""
    return len(text.encode()) // BYTES_PER_TOKEN + MESSAGE_TOKENS


def similar(kind: Kind) -> list[Past]:
    """Returns recent similar answers; empty if there are too few."""
    groups = (lately().get(kind.shared(names), []) for names in GROUPS)
    return next((group for group in groups if len(group) >= FEWEST), [])


# The latest answers

Shared = tuple[tuple[str, ...], tuple[object, ...]]  # names of a Kind's fields, and their values
_known: tuple[float, dict[Shared, list[Past]]] = (-KNOWN_FOR_S, {})


def lately() -> dict[Shared, list[Past]]:
    """Returns the latest complete answers, grouped by what they share; cached, so that a click only looks them up."""
    global _known
    known_since, groups = _known
    if time.monotonic() - known_since > KNOWN_FOR_S:
        groups = grouped(read_lately())
        _known = (time.monotonic(), groups)
    return groups


def grouped(answers: list[Past]) -> dict[Shared, list[Past]]:
    groups: dict[Shared, list[Past]] = {}
    for past in answers:
        for names in (*GROUPS, SAME_TIERS):
            groups.setdefault(past.kind.shared(names), []).append(past)
    return groups


def read_lately() -> list[Past]:
    """Two queries: the latest ended answers, by their index, then the fields needed of the complete ones. The database
    sorts nothing and reads no other text. Answers that continue an earlier text are left out: they are only its
    rest."""
    ended = Generation.objects.filter(finished_at__isnull=False).order_by("-finished_at")
    latest = ended.values_list("pk", "status", "completion_tokens", "continues")[:LOOKED_AT]
    complete = [pk for pk, status, tokens, continues in latest if status == Status.DONE and tokens and not continues]
    plan = Cast("plan", TextField())  # as JSON, to decode only a few fields
    moments = ("accepted_at", "first_token_at", "last_token_at")
    rows = Generation.objects.filter(pk__in=complete[:SAMPLE]).with_question_length().annotate(plan_json=plan)
    found = rows.values_list("mode", "plan_json", "question_length", "completion_tokens", "server", *moments)
    return [past_of(*row) for row in found]


def past_of(
    mode: str,
    plan: str | None,
    length: int | None,
    tokens: int,
    server: str,
    accepted: datetime,
    first: datetime | None,
    last: datetime | None,
) -> Past:
    planned = read_plan(plan) if plan else PastPlan()
    kind = Kind(mode, planned.level, planned.scores.domain, tuple(stage.tier for stage in planned.stages[:STAGES]))
    if not server or first is None or last is None or last <= first:  # from the cache, or not streamed
        return Past(kind, length or 0, tokens)
    rate = (tokens - 1) / (last - first).total_seconds()
    return Past(kind, length or 0, tokens, (first - accepted).total_seconds(), rate)
