"""A generation: the making of one assistant message, with every moment of its life."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models.functions import Coalesce, Length
from django.utils import timezone

from conversations import events, site_time
from conversations.events import StopRequested
from conversations.models.billing import ledger
from conversations.models.catalog.pipeline import Mode
from conversations.models.chat.message import Message, Part, PartKey

from .errors import sentence_of
from .plan import Plan, StageResult, StageResults, StageStatus, results_as_json
from .timing import GenerationTiming


class Status(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self not in UNFINISHED


UNFINISHED = (Status.QUEUED, Status.RUNNING)


class GenerationQuerySet(models.QuerySet["Generation"]):
    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)

    def without_texts(self) -> Self:
        """For figures of many: without a user's words, and without what is long."""
        return self.defer("plan", "error_detail")  # a plan's reasons quote the question

    def with_question_length(self) -> Self:
        return self.annotate(question_length=Length("message__parent__parts__text"))

    def of(self, conversation_id: uuid.UUID) -> Self:
        return self.filter(message__conversation_id=conversation_id)


class Generation(models.Model):
    """Only the attempt with the latest number may change a running row: each of its updates names the number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="generations")
    client_id = models.UUIDField(
        default=uuid.uuid4, editable=False, help_text="Made by the browser: resends are known."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED, db_index=True)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Processes that took it on so far.")
    hand_overs = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Of these, processes that were told to end and left it to others."
    )
    continues = models.BooleanField(default=False, help_text="Goes on from the text that the message has.")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.QUICK, db_default=Mode.QUICK)
    wanted_tier = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="Slug; empty: whichever is right."
    )
    streams = models.BooleanField(default=True, db_default=True, help_text="Off: asked for as a whole.")
    fresh = models.BooleanField(default=False, db_default=False, help_text="Asks the model, whatever is in the cache.")
    plan = models.JSONField(null=True, blank=True, help_text="Its stages; made by the first attempt.")
    outcomes = models.JSONField(null=True, blank=True, help_text="How its stages ended, by number.")

    model = models.CharField(max_length=200, blank=True)
    server = models.CharField(max_length=200, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    expected_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text="Estimated when it was accepted, and again when its stages were planned."
    )
    expected_s = models.FloatField(
        null=True, blank=True, help_text="From accepted to the last token, as such answers took lately."
    )
    failovers = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Model servers that failed in it.")
    tokens_after_stop = models.PositiveIntegerField(
        null=True, blank=True, help_text="That still came after the stop was asked for."
    )
    finish_reason = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.TextField(blank=True, help_text="For reviewers: what was said may quote the question.")
    error_in_short = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="For operators: quotes nothing."
    )

    clicked_at = models.DateTimeField(null=True, blank=True, help_text="By the browser's clock.")
    accepted_at = models.DateTimeField(default=timezone.now, db_index=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="By the first attempt.")
    first_requested_at = models.DateTimeField(null=True, blank=True, help_text="Of the model server, by any attempt.")
    requested_at = models.DateTimeField(
        null=True, blank=True, help_text="The latest time, of the stage that wrote first: a server may have failed."
    )
    first_token_at = models.DateTimeField(null=True, blank=True)
    last_token_at = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The operator who asked for the stop, if it was not the owner.",
    )
    upstream_ended_at = models.DateTimeField(
        null=True, blank=True, help_text="The model server's answer ended, or its connection was closed."
    )
    finished_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="Its end is about to be stored; its timing has what follows."
    )
    recorded = models.BooleanField(default=False, db_default=False, editable=False, help_text="In the history.")

    objects = GenerationQuerySet.as_manager()

    question_length: int | None = None  # characters; where it was asked for
    is_new = False  # True: queued by this very click, not found as an earlier one's

    class Meta:
        ordering = ("accepted_at",)
        indexes = (
            models.Index(fields=["finished_at"], name="generation_finished"),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(recorded=False, finished_at__isnull=False),
                name="generation_unrecorded",
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=["message", "client_id"], name="generation_once_per_click"),
            models.UniqueConstraint(
                fields=["message"],
                condition=models.Q(status__in=UNFINISHED),
                name="one_unfinished_generation_per_message",
            ),
        )

    def __str__(self) -> str:
        return f"{self.status} {self.pk}"

    @property
    def error_sentence(self) -> str:
        """For the user; empty if it did not fail."""
        return sentence_of(self.error_code) if self.error_code else ""

    @property
    def lost_attempts(self) -> int:
        """Processes that took it on before this attempt, and are gone without having left it to others."""
        return self.attempt - self.hand_overs - 1

    @property
    def stage_plan(self) -> Plan | None:
        """None before the first attempt."""
        return Plan.from_json(self.plan) if self.plan else None

    @property
    def stage_results(self) -> StageResults:
        return {int(number): StageResult.from_json(outcome) for number, outcome in (self.outcomes or {}).items()}

    # Figures

    @property
    def cached(self) -> Literal["no", "partly", "yes"]:
        """How much of it came from the cache; of what was completed."""
        cached = [outcome.cached for outcome in self.stage_results.values() if outcome.status == StageStatus.DONE]
        return "no" if not any(cached) else "yes" if all(cached) else "partly"

    @property
    def from_cache(self) -> str:
        """What users are told; empty if a model wrote all of it."""
        return {"no": "", "partly": "Partly from the cache", "yes": "From the cache"}[self.cached]

    @property
    def is_reused(self) -> bool:
        """At least in part: its times say nothing of a model. Reads no more of the stored outcomes than that: lists of
        a thousand ask."""
        return any(outcome.get("cached") or outcome.get("coalesced") for outcome in (self.outcomes or {}).values())

    @property
    def time_to_first_token(self) -> timedelta | None:
        """From accepted to the first token of the model, as this server saw it; None if there was none."""
        return self.first_token_at - self.accepted_at if self.first_token_at else None

    @property
    def model_first_token(self) -> timedelta | None:
        """From the request that brought it: the model server's share. None without, or if it was asked again since."""
        if self.is_reused or not (self.requested_at and self.first_token_at):
            return None
        return self.first_token_at - self.requested_at if self.first_token_at >= self.requested_at else None

    @property
    def ended_at(self) -> datetime | None:
        """When pages were told, where its timing was read with it and knows that; else when its end was about to be
        stored. None before. No query."""
        timing = self._state.fields_cache.get("timing")
        return (timing.published_at if timing else None) or self.finished_at

    @property
    def duration(self) -> timedelta | None:
        """From accepted to its end; None before."""
        return self.ended_at - self.accepted_at if self.ended_at else None

    @property
    def tokens_per_second(self) -> float | None:
        """Of the writing alone, without the wait for the first token; None if it cannot be told, or nothing wrote."""
        if self.is_reused or not (self.first_token_at and self.last_token_at and self.completion_tokens):
            return None
        seconds = (self.last_token_at - self.first_token_at).total_seconds()
        return (self.completion_tokens - 1) / seconds if seconds > 0 else None

    @property
    def time_to_stop(self) -> timedelta | None:
        """From the click's arrival to the closed connection to the model server; None if there was none to close."""
        if self.status != Status.STOPPED or not (self.stop_requested_at and self.upstream_ended_at):
            return None
        return self.upstream_ended_at - self.stop_requested_at

    @property
    def can_be_continued(self) -> bool:
        """It ended before its time: stopped, failed, or cut by the limit of tokens."""
        return self.status in (Status.STOPPED, Status.FAILED) or self.finish_reason == "length"

    # Its life

    def go_on_from(self, earlier: Generation, shown: int) -> None:
        """Continue what a stop has cut short, or else the stage that is shown; what else has ended stays as it is."""
        self.continues = True
        self.mode, self.plan = earlier.mode, earlier.plan
        self.wanted_tier, self.fresh = earlier.wanted_tier, earlier.fresh
        planned = earlier.stage_plan.stages if earlier.stage_plan else ()
        outcomes = dict.fromkeys((one.number for one in planned), StageResult(StageStatus.SKIPPED))
        for number, outcome in earlier.stage_results.items():
            if outcome.is_final:
                outcomes[number] = outcome.carried()
        cut = [number for number, outcome in outcomes.items() if outcome.was_stopped]
        for number in cut if earlier.status == Status.STOPPED and cut else [shown]:
            outcomes.pop(number, None)
        self.outcomes = results_as_json(outcomes)

    def claim(self, dispatched_at: datetime | None = None, **fields: Any) -> bool:
        """Take the next attempt's number; False if another process got there first, or it has ended."""
        rows = self._mine().update(
            attempt=self.attempt + 1,
            status=Status.RUNNING,
            dispatched_at=Coalesce("dispatched_at", models.Value(dispatched_at, models.DateTimeField())),
            claimed_at=Coalesce("claimed_at", site_time.now()),
            **fields,
        )
        if rows:  # otherwise the next number is another process's
            self.attempt += 1
        return bool(rows)

    def note(self, **fields: Any) -> bool:
        """Store figures or moments; False if this attempt has lost the generation."""
        for name, value in fields.items():
            setattr(self, name, value)
        return bool(self._mine().update(**fields))

    @transaction.atomic
    def finish(
        self,
        status: Status,
        texts: Mapping[PartKey, str] | None,
        measured: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> bool:
        """Store the end, its cost and the text as one; False if it has ended already, or another attempt took over.

        ``texts`` None leaves the stored text as it is; ``measured`` is for its timing.
        """
        if not self.note(status=status, finished_at=site_time.now(), **fields):
            return False
        if texts is not None:
            Part.store({self.message_id: texts}, are_whole=True)
        GenerationTiming.record(self.pk, **(measured or {}))
        ledger.settle({self.pk: self.stage_results}, are_over=True)  # last: everybody waits for the site's counter
        return True

    def finish_plainly(self, status: Status, texts: Mapping[PartKey, str], error_code: str) -> bool:
        """Like ``finish``, with nothing but how each stage ended: the database did not take the figures."""
        plain = {n: StageResult(one.status, error_code=one.error_code) for n, one in self.stage_results.items()}
        return self.finish(status, texts, error_code=error_code, outcomes=results_as_json(plain))

    def request_stop(self, operator: AbstractBaseUser | None = None) -> bool:
        """Ask whoever runs it to stop. One that nobody has begun yet ends at once. False if it has ended.

        The first who asks is remembered: ``operator``, or None for the owner.
        """
        now = site_time.now()
        asked = {"stop_requested_at": now, "stopped_by": operator}
        mine = Generation.objects.filter(pk=self.pk)
        owner = self.message.conversation.owner_id
        if mine.filter(status=Status.QUEUED).update(status=Status.STOPPED, finished_at=now, **asked):
            events.publish(StopRequested(self.pk, owner, has_ended=True))
            return False
        running = mine.filter(status=Status.RUNNING)
        running.filter(stop_requested_at=None).update(**asked)
        is_running = running.exists()
        if is_running:
            events.publish(StopRequested(self.pk, owner))
        return is_running

    def read_stop(self) -> datetime | None:
        """When a stop was asked for, by any process; None if it was not, or its row was erased. One query."""
        rows = Generation.objects.filter(pk=self.pk)
        self.stop_requested_at = rows.values_list("stop_requested_at", flat=True).first()
        return self.stop_requested_at

    def _mine(self) -> GenerationQuerySet:
        """This row, as long as it has not ended and no later attempt has claimed it."""
        return Generation.objects.filter(pk=self.pk, attempt=self.attempt).unfinished()


def moments(generation: Generation) -> list[tuple[str, datetime]]:
    """The moments of its life that have come, by the field's name without ``_at``; the earliest first.

    The first request is only among them if there was another.
    """
    names = (
        "accepted",
        "dispatched",
        "claimed",
        *(() if generation.first_requested_at == generation.requested_at else ("first_requested",)),
        "requested",
        "first_token",
        "last_token",
        "stop_requested",
        "upstream_ended",
        "finished",
    )
    known = [(name, moment) for name in names if (moment := getattr(generation, f"{name}_at"))]
    return sorted(known, key=lambda pair: pair[1])
