"""What an answer is made of: the stages planned for it, how each of them ended, and which one is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models

from .confidence import Confidence


class StageStatus(models.TextChoices):
    WAITING = "waiting"  # for earlier ones
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout", "out of time"
    STOPPED = "stopped"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return self not in (StageStatus.WAITING, StageStatus.RUNNING)


@dataclass(frozen=True)
class PlannedStage:
    """A stage as it was when the answer was begun: later changes in the admin pages do not change a running answer."""

    number: int  # from 0; its parts have it as their stage
    name: str
    label: str
    waits: bool = False  # begins when the earlier ones have ended, and gets what they wrote
    system_prompt: str = ""
    timeout_s: float | None = None  # for the whole stage
    tier: str = ""  # its slug; empty: the cheapest
    tier_name: str = ""
    temperature: float | None = None  # None, here and below: the site's
    top_p: float | None = None
    max_tokens: int | None = None
    paid_tokens: int | None = None  # fewer, because the budget pays for no more


SCORES_SHOWN = ("complexity", "reasoning", "urgency", "domain")  # in this order: jsonb keeps none


@dataclass(frozen=True)
class Plan:
    """In the order in which the stages take each other's place. Never empty."""

    stages: tuple[PlannedStage, ...]
    level: str = ""
    streams: bool = True  # False: model servers are asked for whole answers
    reasons: tuple[str, ...] = ()  # sentences for the user: why this plan
    scores: dict[str, Any] = field(default_factory=dict)  # of the question; empty if nobody asked for them

    @property
    def is_staged(self) -> bool:
        """More than one: what pages show as stages."""
        return len(self.stages) > 1

    @property
    def scores_in_words(self) -> str:
        """Of the question, in words; empty if nobody asked for them."""
        known = [f"{name} {self.scores[name]}" for name in SCORES_SHOWN if name in self.scores]
        return ", ".join(known).replace("_", " ")

    def as_paid(self) -> Self:
        """With no stage longer than what the budget pays."""
        stages = [replace(one, max_tokens=one.paid_tokens) if one.paid_tokens else one for one in self.stages]
        return replace(self, stages=tuple(stages))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        stages = tuple(PlannedStage(**known_fields(PlannedStage, stage)) for stage in data["stages"])
        return cls(
            stages=stages,
            level=data.get("level", ""),
            streams=data.get("streams", True),
            reasons=tuple(data.get("reasons", ())),
            scores=dict(data.get("scores", {})),
        )


@dataclass
class StageResult:
    """How a stage ended, or stands: one record, which the worker fills and which is stored as it is.

    Seconds count from the moment when the question was accepted.
    """

    status: str = StageStatus.RUNNING
    model: str = ""
    server: str = ""
    tier: str = ""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None  # of these, what the server remembered
    completion_tokens: int | None = None
    finish_reason: str = ""
    cached: bool = False  # the text is that of an earlier, identical request
    coalesced: bool = False  # it was read with another answer's request, whose it is to pay
    failovers: int | None = None
    server_ms: dict[str, float] = field(default_factory=dict)  # the model server's own figures; empty if it told none
    error_code: str = ""
    error_in_short: str = ""  # of the last error, for operators: quotes nothing
    error_detail: str = field(default="", metadata={"is_stored": False})  # for reviewers: may quote the question
    first_requested_s: float | None = None
    requested_s: float | None = None  # the latest time
    first_byte_s: float | None = None  # of the response that brought the first token
    first_token_s: float | None = None
    last_token_s: float | None = None
    ended_s: float | None = None  # the server's answer ended, or its connection was closed
    due_s: float | None = None  # when its request is given up, if nothing more comes; None if none is open
    measured_tokens: int = 0  # whose probability the server told
    probability: float | None = None  # their mean
    low_confidence_share: float | None = None
    low_confidence_spans: list[list[int]] = field(default_factory=list)  # [from, to] in code units of the text

    @property
    def is_final(self) -> bool:
        return StageStatus(self.status).is_final

    @property
    def is_reused(self) -> bool:
        """No model was asked for it, at least not by this answer: it costs nothing, and its times are no model's."""
        return self.cached or self.coalesced

    @property
    def was_stopped(self) -> bool:
        """By the user, perhaps before it began."""
        return self.status in (StageStatus.STOPPED, StageStatus.SKIPPED)

    @property
    def confidence(self) -> Confidence | None:
        """As it was measured; None if it was not, or the stage did not end, or wrote nothing."""
        wrote = self.status == StageStatus.DONE or self.completion_tokens
        if not self.is_final or not wrote or self.probability is None:
            return None
        return Confidence(self.probability, self.low_confidence_share or 0.0)

    def resumed(self) -> Self:
        """As the next attempt begins with it: it is asked for again, and what is there of its text stays."""
        kept = ("model", "server", "tier", "prompt_tokens", "failovers", *MOMENTS)
        return type(self)(**{name: getattr(self, name) for name in kept}).without("ended_s", "due_s")

    def carried(self) -> Self:
        """Into a generation that goes on from its text: times and tokens stay the earlier one's."""
        tokens = ("prompt_tokens", "cached_tokens", "completion_tokens", "failovers")
        return replace(self, server_ms={}).without(*tokens, *MOMENTS)

    def without(self, *names: str) -> Self:
        nothing: dict[str, Any] = dict.fromkeys(names)
        return replace(self, **nothing)

    def as_json(self) -> dict[str, Any]:
        """Without what is empty; zero is a figure."""
        stored = {one.name: getattr(self, one.name) for one in fields(self) if one.metadata.get("is_stored", True)}
        return {name: value for name, value in stored.items() if value not in (None, "", [], {}) and value is not False}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**known_fields(cls, data))


MOMENTS = tuple(one.name for one in fields(StageResult) if one.name.endswith("_s"))
StageResults = dict[int, StageResult]  # by the stage's number


def results_as_json(outcomes: StageResults) -> dict[str, Any]:
    return {str(number): outcome.as_json() for number, outcome in outcomes.items()}


def generation_columns(results: StageResults, shown: int, accepted_at: datetime) -> dict[str, Any]:
    """What Generation has of its stages' results as columns; what is not known is left out.

    ``shown`` is the stage whose text is the answer.
    """
    every = [result for _, result in sorted(results.items())]
    asked = [result for result in every if result.requested_s is not None]
    seconds = {
        "first_requested_at": least(every, "first_requested_s"),
        "requested_at": min(asked, key=wrote_first).requested_s if asked else None,
        "first_token_at": least(every, "first_token_s"),
        "last_token_at": most(every, "last_token_s"),
        "upstream_ended_at": most(every, "ended_s"),
    }
    answer = results.get(shown, StageResult())
    known = {
        **{name: accepted_at + timedelta(seconds=after) for name, after in seconds.items() if after is not None},
        **{name: total(every, name) for name in ("prompt_tokens", "completion_tokens")},
        "failovers": total(every, "failovers"),
        "error_detail": next((one.error_detail for one in reversed(every) if one.error_detail), ""),
        "error_in_short": next((one.error_in_short for one in reversed(every) if one.error_in_short), ""),
        "model": answer.model,
        "server": answer.server,
        "finish_reason": answer.finish_reason,
        "outcomes": results_as_json(results),
    }
    return {name: value for name, value in known.items() if value not in (None, "", {})}


def wrote_first(result: StageResult) -> tuple[bool, float]:
    """Sorts the stage that wrote first before the others; while none has, the one that was asked first."""
    wrote = result.first_token_s
    return wrote is None, (result.requested_s or 0.0) if wrote is None else wrote


def known_values(results: Iterable[StageResult], name: str) -> list[Any]:
    return [value for result in results if (value := getattr(result, name)) is not None]


def least(results: Iterable[StageResult], name: str) -> float | None:
    """None if no stage knows it, here and below."""
    return min(known_values(results, name), default=None)


def most(results: Iterable[StageResult], name: str) -> float | None:
    return max(known_values(results, name), default=None)


def total(results: Iterable[StageResult], name: str) -> int | None:
    known = known_values(results, name)
    return sum(known) if known else None


def known_fields(kind: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a later version stored."""
    names = {known.name for known in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


def shown_stage(lengths: Mapping[int, int], statuses: Mapping[int, str]) -> int:
    """Whose text is the answer: the latest's whose earlier ones have ended, whether they have text yet or not.

    But no cut one takes the place of a longer one that is complete. ``lengths`` are of the text, by stage. 0 if there
    is no text yet. static/js/answer/stages.js has the same rule.
    """
    shown: int | None = None
    for number in sorted(number for number, length in lengths.items() if length):
        if shown is None:
            shown = number
            continue
        was_cut = statuses.get(number) in (StageStatus.FAILED, StageStatus.TIMEOUT, StageStatus.STOPPED)
        is_worse = was_cut and statuses.get(shown) == StageStatus.DONE and lengths[number] < lengths[shown]
        is_early = any(status == StageStatus.RUNNING for other, status in statuses.items() if other < number)
        if not is_worse and not is_early:
            shown = number
    return shown or 0
