"""One page's view of one answer: what it has, and so what it lacks. Replay and live are the same comparison.

There is no queue per page: a slow one is brought up to date from the answer itself, in fewer and larger frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from msgspec.structs import replace

from streaming.coordination.answer_queue import QueuePosition
from streaming.log.records import PhaseBegan, StageIs
from streaming.log.stream_log import BEGINNING, Position, as_pair
from streaming.protocol import (
    AnswerFinished,
    AnyEvent,
    BlocksDone,
    Notice,
    PartName,
    PartRestarted,
    Phase,
    Resync,
    Seen,
    Stage,
    TailRendered,
    TextDelta,
)

from .answer import LiveAnswer
from .part import LivePart


@dataclass
class Has:
    """What a page has of one part."""

    begun_at: Position = BEGINNING  # when the part was begun that the page has
    length: int = 0
    blocks: int = 0
    tail_version: int = 0


@dataclass(eq=False)
class Viewer:
    wants_html: ClassVar[bool] = True
    answer: LiveAnswer
    position: Position  # that the page said it had reached
    seen: dict[PartName, Seen]
    _has: dict[PartName, Has] = field(default_factory=dict)
    _phase: tuple[Position, str | None, QueuePosition | None] = ("", None, None)
    _notices: int = 0
    _stages: dict[int, StageIs] = field(default_factory=dict)
    done: bool = False  # the terminal event was sent

    def lacking(self) -> list[AnyEvent]:
        """The events that bring the page up to date; it counts as having them.

        Made in one go: while they are sent, the answer may go on.
        """
        return list(self._lacking())

    def _lacking(self) -> Iterator[AnyEvent]:
        answer = self.answer
        if answer.broken:
            self.done = True
            yield Resync(answer.generation_id, answer.url)
            return
        if self._phase != (answer.phase_at, answer.trouble, answer.place):
            self._phase = (answer.phase_at, answer.trouble, answer.place)
            yield phase_of(answer)
        for stage in answer.stages.values():
            if self._stages.get(stage.stage) != stage:
                self._stages[stage.stage] = stage
                yield stage_event(answer.generation_id, answer.position, stage)
        for part in answer.parts.values():
            yield from self._lacking_of(part)
        for message in answer.notices[self._notices :]:
            yield Notice(answer.generation_id, message)
        self._notices = len(answer.notices)
        if answer.finished is not None and not self.done:
            self.done = True
            yield self._ending()

    def _lacking_of(self, part: LivePart) -> Iterator[AnyEvent]:
        answer = self.answer
        has = self._has.get(part.name) or self._first_look(part)
        if has.begun_at != part.begun_at or has.length > part.length or self._claims_too_many(part, has):
            has = self._has[part.name] = Has(part.begun_at)
            yield PartRestarted(answer.generation_id, answer.position, part.name)
        if has.length < part.length:
            text = part.text_from(has.length)
            yield TextDelta(answer.generation_id, answer.position, part.name, has.length, text, answer.tokens)
            has.length = part.length
        if answer.finished is None:
            yield from self._lacking_html_of(part, has)

    def _lacking_html_of(self, part: LivePart, has: Has) -> Iterator[AnyEvent]:
        if has.blocks < len(part.blocks):
            html = part.blocks[has.blocks :]
            yield BlocksDone(self.answer.generation_id, part.name, has.blocks, html, part.upto)
            has.blocks = len(part.blocks)
            has.tail_version = 0
        if has.tail_version != part.tail_version and has.blocks == len(part.blocks):
            has.tail_version = part.tail_version
            if part.tail_version:
                yield TailRendered(self.answer.generation_id, part.name, part.tail_html, part.tail_upto)

    def _first_look(self, part: LivePart) -> Has:
        """Believe the page's account, unless the part was begun anew after the page's position."""
        has = self._has[part.name] = Has(part.begun_at)
        seen = self.seen.get(part.name)
        if seen is None:
            return has
        if pair_or_beginning(self.position) < as_pair(part.begun_at) or seen.blocks > seen.length:
            has.begun_at = "before"  # differs from every position: the page must drop what it has
        else:
            has.length, has.blocks = seen.length, seen.blocks
        return has

    def _claims_too_many(self, part: LivePart, has: Has) -> bool:
        """The page says that it has more blocks than anybody rendered, which is known at the end."""
        finished = self.answer.finished
        return finished is not None and has.blocks > max(len(part.blocks), len(finished.blocks.get(part.name, ())))

    def _ending(self) -> AnswerFinished:
        finished = self.answer.finished
        assert finished is not None
        return AnswerFinished(
            generation=self.answer.generation_id,
            position=self.answer.position,
            status=finished.status,  # type: ignore[arg-type]
            html={name: self._different(name, blocks) for name, blocks in finished.blocks.items()},
            footer=finished.footer,
            error_code=finished.error_code,
            error=finished.error,
        )

    def _different(self, name: PartName, final: list[str]) -> dict[str, str]:
        """Final blocks that the page does not have like this; empty ones are to be removed."""
        has = self._has.get(name, Has()).blocks
        part = next((p for p in self.answer.parts.values() if p.name == name), None)
        shown = part.blocks[:has] if part else []
        shown += [""] * (max(has, len(final)) - len(shown))
        final = final + [""] * (len(shown) - len(final))
        return {str(i): new for i, (old, new) in enumerate(zip(shown, final, strict=True)) if old != new}


def phase_of(answer: LiveAnswer) -> Phase:
    """What holds it up counts more than what it was doing."""
    began = PhaseBegan(answer.trouble, answer.phase.model) if answer.trouble else answer.phase
    event = phase_event(answer.generation_id, answer.phase_at, began, max(answer.attempt, 1))
    if answer.place and not answer.trouble and began.ahead is None:
        event = replace(event, ahead=answer.place.ahead, held=answer.place.is_held)
    expected = answer.expected
    return replace(event, expected_tokens=expected.expected_tokens, expected_s=expected.expected_s)


def phase_event(generation: UUID, position: Position, began: PhaseBegan, attempt: int) -> Phase:
    return Phase(
        generation,
        position,
        began.phase,
        began.model,
        attempt,
        began.ahead,
        began.reading,
        began.expected_tokens,
        began.expected_s,
    )


def stage_event(generation: UUID, position: Position, stage: StageIs) -> Stage:
    return Stage(generation, position, stage.stage, stage.label, stage.status.value)  # type: ignore[arg-type]


def pair_or_beginning(position: Position) -> tuple[int, int]:
    try:
        return as_pair(position)
    except ValueError:
        return as_pair(BEGINNING)
