"""How many tokens an answer will probably have and how long it will take, by what similar ones had lately; and how many
tokens a text is, at most.

Similar are answers of the same mode, level, domain and tiers; of too few, those that share less of it; and of these,
the ones whose questions were closest in length. All stages of an answer count together.
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

LOOKED_AT = 600  # latest answers that ended, complete or not
SAMPLE = 300  # of these, complete ones
NEIGHBOURS = 30  # of these, the ones whose questions were closest in length
FEWEST = 5  # with fewer there is nothing to tell from
WITHOUT_EXPERIENCE = 400  # tokens
KNOWN_FOR_S = 60.0
BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 8
STAGES = 3  # whose tiers tell one pipeline from another

# What similar answers share: the first group that has enough of them.
GROUPS = (("mode", "level", "domain", "tiers"), ("level", "domain", "tiers"), ("level", "tiers"), ("mode",), ())
SAME_TIERS = ("tiers",)


@dataclass(frozen=True)
class Kind:
    """Of a question, and of how it is answered; empty is what is not known."""

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
    length: int  # characters of its question
    tokens: int
    first_token_s: float | None = None  # after it was accepted; None, here and below: not written by a model
    tokens_per_s: float | None = None


class PastScores(msgspec.Struct, frozen=True):
    domain: str = ""


class PastStage(msgspec.Struct, frozen=True):
    tier: str = ""


class PastPlan(msgspec.Struct, frozen=True):
    """What is wanted of a stored plan: reading all of it takes ten times as long."""

    level: str = ""
    stages: tuple[PastStage, ...] = ()
    scores: PastScores = PastScores()


read_plan = msgspec.json.Decoder(PastPlan).decode


def expected_tokens(length: int, kind: Kind) -> int:
    """A length that two of three such answers stay below. At most two queries a minute per process."""
    closest = sorted(similar(kind), key=lambda past: abs(past.length - length))[:NEIGHBOURS]
    if len(closest) < FEWEST:
        return WITHOUT_EXPERIENCE
    return round(quantiles([past.tokens for past in closest], n=3)[1])


def expected_seconds(tokens: int, kind: Kind) -> float | None:
    """For so many tokens, from accepted to the last one, as the same tiers took lately; None if too little is known."""
    same = lately().get(kind.shared(SAME_TIERS), [])
    waits = [past.first_token_s for past in same if past.first_token_s is not None]
    rates = [past.tokens_per_s for past in same if past.tokens_per_s]
    if len(waits) < FEWEST or len(rates) < FEWEST:
        return None
    return round(median(waits) + tokens / median(rates), 1)


def most_tokens(text: str) -> int:
    """That a text is for a model, with its message's marks. Languages need three bytes a token, or more; digits and
    rare signs fewer."""
    return len(text.encode()) // BYTES_PER_TOKEN + MESSAGE_TOKENS


def similar(kind: Kind) -> list[Past]:
    """Empty if there are too few of any kind."""
    groups = (lately().get(kind.shared(names), []) for names in GROUPS)
    return next((group for group in groups if len(group) >= FEWEST), [])


# The latest answers

Shared = tuple[tuple[str, ...], tuple[object, ...]]  # names of a kind's fields, and their values
_known: tuple[float, dict[Shared, list[Past]]] = (-KNOWN_FOR_S, {})


def lately() -> dict[Shared, list[Past]]:
    """The latest complete answers, by what they share: a click only looks them up."""
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
    """Two queries: the latest that ended, by their index, then what is wanted of the complete ones. Nothing is sorted,
    and no other text is read. An answer that went on from an earlier one's text is only the rest of one."""
    ended = Generation.objects.filter(finished_at__isnull=False).order_by("-finished_at")
    latest = ended.values_list("pk", "status", "completion_tokens", "continues")[:LOOKED_AT]
    complete = [pk for pk, status, tokens, continues in latest if status == Status.DONE and tokens and not continues]
    plan = Cast("plan", TextField())  # its JSON, of which little is wanted
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
    if not server or first is None or last is None or last <= first:  # out of the cache, or not streamed
        return Past(kind, length or 0, tokens)
    rate = (tokens - 1) / (last - first).total_seconds()
    return Past(kind, length or 0, tokens, (first - accepted).total_seconds(), rate)
