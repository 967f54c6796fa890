"""The plan of an answer's stages, the stages' results, and which stage is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models

from .confidence import Confidence


class StageStatus(models.TextChoices):
    WAITING = "waiting"  # for earlier stages
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
    """A stage as it was when the answer began: later changes in the admin do not affect a running answer."""

    number: int  # from 0; the parts' ``stage``
    name: str
    label: str
    waits: bool = False  # begins when the earlier stages have ended, and gets their text
    system_prompt: str = ""
    timeout_s: float | None = None  # for the whole stage
    tier: str = ""  # slug; empty: the cheapest
    tier_name: str = ""
    temperature: float | None = None  # None, here and below: the site's setting
    top_p: float | None = None
    max_tokens: int | None = None
    paid_tokens: int | None = None  # lower than max_tokens, if the budget pays for no more


SCORES_SHOWN = ("complexity", "reasoning", "urgency", "domain")  # ordered, because jsonb keeps no order


@dataclass(frozen=True)
class Plan:
    """The stages are in the order in which they replace each other. There is at least one."""

    stages: tuple[PlannedStage, ...]
    level: str = ""
    streams: bool = True  # False: requests to model servers are not streamed
    reasons: tuple[str, ...] = ()  # sentences that explain the plan to the user
    scores: dict[str, Any] = field(default_factory=dict)  # of the question; empty if it was not scored

    @property
    def is_staged(self) -> bool:
        """Whether there are several stages, which pages then show."""
        return len(self.stages) > 1

    @property
    def scores_in_words(self) -> str:
        """The question's scores in words; empty if it was not scored."""
        known = [f"{name} {self.scores[name]}" for name in SCORES_SHOWN if name in self.scores]
        return ", ".join(known).replace("_", " ")

    def as_paid(self) -> Self:
        """With each stage limited to what the budget pays for."""
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
    """How a stage ended, or its state so far. The worker fills it; it is stored as JSON.

    Seconds count from the acceptance of the question.
    """

    status: str = StageStatus.RUNNING
    model: str = ""
    server: str = ""
    tier: str = ""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None  # of the prompt tokens, those in the server's prefix cache
    completion_tokens: int | None = None
    finish_reason: str = ""
    cached: bool = False  # from the response cache
    coalesced: bool = False  # shared another generation's request, which pays for it
    failovers: int | None = None
    server_ms: dict[str, float] = field(default_factory=dict)  # timings reported by the model server; empty if none
    error_code: str = ""
    error_in_short: str = ""  # of the last error, for operators: quotes nothing
    error_detail: str = field(default="", metadata={"is_stored": False})  # for reviewers: may quote the question
    first_requested_s: float | None = None
    requested_s: float | None = None  # the latest request
    first_byte_s: float | None = None  # of the response that brought the first token
    first_token_s: float | None = None
    last_token_s: float | None = None
    ended_s: float | None = None  # the server's answer ended, or its connection was closed
    due_s: float | None = None  # when the open request times out; None without one
    measured_tokens: int = 0  # tokens whose probability the server reported
    probability: float | None = None  # mean of the measured tokens
    low_confidence_share: float | None = None
    low_confidence_spans: list[list[int]] = field(default_factory=list)  # [from, to] in code units of the text

    @property
    def is_final(self) -> bool:
        return StageStatus(self.status).is_final

    @property
    def is_reused(self) -> bool:
        """Whether this answer made no request for it: it costs nothing, and its times don't measure a model."""
        return self.cached or self.coalesced

    @property
    def was_stopped(self) -> bool:
        """Whether a stop ended it, perhaps before it began."""
        return self.status in (StageStatus.STOPPED, StageStatus.SKIPPED)

    @property
    def confidence(self) -> Confidence | None:
        """None if it was not measured, or the stage has not ended or wrote nothing."""
        wrote = self.status == StageStatus.DONE or self.completion_tokens
        if not self.is_final or not wrote or self.probability is None:
            return None
        return Confidence(self.probability, self.low_confidence_share or 0.0)

    def resumed(self) -> Self:
        """For the next attempt, which requests the stage again and keeps its text so far."""
        kept = ("model", "server", "tier", "prompt_tokens", "failovers", *MOMENTS)
        return type(self)(**{name: getattr(self, name) for name in kept}).without("ended_s", "due_s")

    def carried(self) -> Self:
        """For a generation that continues the answer: without times and tokens, which count for the earlier one."""
        tokens = ("prompt_tokens", "cached_tokens", "completion_tokens", "failovers")
        return replace(self, server_ms={}).without(*tokens, *MOMENTS)

    def without(self, *names: str) -> Self:
        nothing: dict[str, Any] = dict.fromkeys(names)
        return replace(self, **nothing)

    def as_json(self) -> dict[str, Any]:
        """Omits empty values, but keeps zeros."""
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
    """The columns of Generation that summarise its stage results, without unknown ones.

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
    """Sort key: the stage that wrote first comes first; if none has written, the one requested first."""
    wrote = result.first_token_s
    return wrote is None, (result.requested_s or 0.0) if wrote is None else wrote


def known_values(results: Iterable[StageResult], name: str) -> list[Any]:
    return [value for result in results if (value := getattr(result, name)) is not None]


def least(results: Iterable[StageResult], name: str) -> float | None:
    """None if no stage has the value; likewise below."""
    return min(known_values(results, name), default=None)


def most(results: Iterable[StageResult], name: str) -> float | None:
    return max(known_values(results, name), default=None)


def total(results: Iterable[StageResult], name: str) -> int | None:
    known = known_values(results, name)
    return sum(known) if known else None


def known_fields(kind: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """Ignores fields that a later version stored."""
    names = {known.name for known in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


def shown_stage(lengths: Mapping[int, int], statuses: Mapping[int, str]) -> int:
    """The stage whose text is the answer: the last stage with text whose earlier stages have all ended, even those
    without text.

    A stage that was cut short does not replace a longer, complete one. ``lengths`` are text lengths by stage. Returns 0
    if there is no text yet. static/js/answer/stages.js has the same rule.
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
