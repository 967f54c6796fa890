"""An answer in a terminal: its text on one stream, everything else on the other, statistics at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import OutputWrapper

from conversations.models import Generation
from conversations.models.chat.message import ANSWER, PartKey, PartKind
from conversations.models.generation.confidence import Confidence, ConfidenceLevel
from conversations.models.generation.plan import StageResult, StageStatus
from streaming.log.records import AnyRecord, Claimed, Noticed, PhaseBegan, Restarted, StageIs, Text

from .excerpts import DIM, PLAIN, excerpts_of

COLOURS = {ConfidenceLevel.LOW: "\033[90m", ConfidenceLevel.MEDIUM: "", ConfidenceLevel.HIGH: "\033[36m"}


class Screen:
    """Writes the answer to ``out`` while it is generated: the last stage. Earlier stages go to ``err``, if asked for.

    On a terminal, a switch to the other stream begins a new line.
    """

    def __init__(self, out: OutputWrapper, err: OutputWrapper, *, shows_text: bool, shows_drafts: bool = False):
        self.shown: PartKey = ANSWER  # the part written to ``out``
        self._out, self._err = out, err
        self._shows_text = shows_text
        self._shows_drafts = shows_drafts
        self._open: OutputWrapper | None = None  # the stream with an unfinished line
        self._stages: dict[int, StageIs] = {}
        self._turn = 0  # number of the draft being shown; later ones wait
        self._waiting: dict[int, list[str]] = {}

    def show(self, record: AnyRecord) -> None:
        match record:
            case Text():
                self._show_text(record)
            case StageIs():
                self._enter(record)
            case Restarted() if record.key == self.shown:
                self.note("The answer was restarted:")
            case Noticed(message=message):
                self.note(message)
            case PhaseBegan(ahead=int(ahead)):
                self.note(f"Waiting for the model server, {ahead} ahead.")
            case PhaseBegan(reading=tokens) if tokens:
                self.note(f"The model server reads about {tokens:,} tokens.")
            case Claimed(attempt=attempt) if attempt > 1:
                self.note("Another worker goes on.")

    def text(self, text: str) -> None:
        if self._shows_text and text:
            self._write(self._out, text)

    def note(self, sentence: str) -> None:
        if self._open is self._err:
            self._write(self._err, "\n")
        self._write(self._err, f"{sentence}\n")
        self._open = self._open if self._open is self._out else None

    def end(self) -> None:
        """End an unfinished line."""
        if self._open is not None:
            self._write(self._open, "\n")
        self._open = None

    def _show_text(self, record: Text) -> None:
        if record.key == self.shown:
            self.text(record.text)
        elif self._shows_drafts and record.kind == PartKind.TEXT:
            self._waiting.setdefault(record.stage, []).append(record.text)
            self._show_waiting()
        elif self._shows_text and record.stage == self.shown.stage:
            self._write(self._err, record.text)

    def _enter(self, stage: StageIs) -> None:
        self._stages[stage.stage] = stage
        self.shown = PartKey(max(self._stages), PartKind.TEXT)
        self._show_waiting()

    def _show_waiting(self) -> None:
        """Show drafts as far as it is their turn: parallel drafts are shown one after the other."""
        while self._turn < self.shown.stage and (stage := self._stages.get(self._turn)):
            if pieces := self._waiting.pop(self._turn, []):
                self._write(self._err, "".join(pieces))
            if not StageStatus(stage.status).is_final:
                return
            if self._shows_drafts:
                self.note(f"— {stage.label}: {stage.status} —")
            self._turn += 1

    def _write(self, stream: OutputWrapper, text: str) -> None:
        """Adds a line break between the streams only on a terminal: a file gets the answer unchanged."""
        if self._open not in (None, stream) and self._open is not None and self._open.isatty():
            self._open.write("\n", ending="")
        dim = stream is self._err and stream.isatty()
        stream.write(f"{DIM}{text}{PLAIN}" if dim else text, style_func=str, ending="")
        stream.flush()
        self._open = stream


def stats_of(generation: Generation, url: str) -> list[str]:
    """The known statistics as phrases."""
    first, whole, rate = generation.time_to_first_token, generation.duration, generation.tokens_per_second
    stats = [
        generation.status,
        generation.model and f"{generation.model} on {generation.server}",
        generation.completion_tokens is not None and f"{generation.completion_tokens} tokens",
        rate and f"{rate:.1f} tokens/s",
        first and f"{first.total_seconds():.2f} s to the first token",
        whole and f"{whole.total_seconds():.2f} s total",
        generation.attempt > 1 and f"{generation.attempt} attempts",
        url,
    ]
    return [stat for stat in stats if stat]


def confidence_lines(generation: Generation, *, of_all: bool, in_colour: bool) -> Iterator[str]:
    """The confidence of the shown stage, or ``of_all``, as sentences; in colour, also the low-confidence passages.

    The log's records have no probabilities, so it is known only at the end.
    """
    plan, texts, shown = generation.stage_plan, generation.message.texts(), generation.message.shown_stage
    for stage in plan.stages if plan else ():
        outcome = generation.stage_results.get(stage.number, StageResult())
        confidence = outcome.confidence
        if confidence is None or not (of_all or stage.number == shown):
            continue
        label = f"{stage.label}: " if of_all else ""
        yield f"{label}{level_of(confidence, in_colour=in_colour)}: {confidence.explanation}"
        if in_colour:
            yield from excerpts_of(texts.get(PartKey(stage.number, PartKind.TEXT), ""), outcome.low_confidence_spans)


def level_of(confidence: Confidence, *, in_colour: bool) -> str:
    colour = COLOURS[confidence.level] if in_colour else ""
    return f"{colour}{confidence.level.label} confidence{PLAIN if colour else ''}"


def stages_of(generation: Generation) -> list[dict[str, Any]]:
    """The planned stages with their results."""
    plan = generation.stage_plan
    outcomes = generation.stage_results
    return [
        {"stage": stage.number, "label": stage.label, **outcomes.get(stage.number, StageResult("")).as_json()}
        for stage in (plan.stages if plan else ())
    ]


def as_json(generation: Generation, url: str) -> dict[str, Any]:
    first, whole = generation.time_to_first_token, generation.duration
    plan = generation.stage_plan
    return {
        "url": url,
        "generation": str(generation.pk),
        "status": generation.status,
        "error": generation.error_code,
        "text": generation.message.text,
        "thinking": generation.message.thinking,
        "mode": generation.mode,
        "level": plan.level if plan else "",
        "reasons": list(plan.reasons) if plan else [],
        "stages": stages_of(generation),
        "model": generation.model,
        "server": generation.server,
        "attempt": generation.attempt,
        "prompt_tokens": generation.prompt_tokens,
        "completion_tokens": generation.completion_tokens,
        "tokens_per_second": generation.tokens_per_second,
        "seconds_to_first_token": first and first.total_seconds(),
        "seconds": whole and whole.total_seconds(),
    }
