"""One page's view of one answer: what the page has, what it misses, and the task that sends the difference.

Replaying and following live are the same comparison.

There is no queue per page: a slow page is brought up to date from the answer itself, in fewer and larger frames.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
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

from .answer import FinishedAnswer, LiveAnswer, LivePart

logger = logging.getLogger(__name__)


@dataclass
class Has:
    """What a page has of one part."""

    begun_at: Position = BEGINNING  # where the part began that the page has
    length: int = 0
    blocks: int = 0
    tail_version: int = 0


@dataclass(eq=False)
class Viewer:
    needs_html: ClassVar[bool] = True
    answer: LiveAnswer
    position: Position  # as reported by the page
    seen: dict[PartName, Seen]
    _has: dict[PartName, Has] = field(default_factory=dict)
    _phase: tuple[Position, str | None, QueuePosition | None] = ("", None, None)
    _notices: int = 0
    _stages: dict[int, StageIs] = field(default_factory=dict)
    done: bool = False  # the terminal event was sent

    def missing_events(self) -> list[AnyEvent]:
        """The events that bring the page up to date; they count as sent.

        A list rather than an iterator, since the answer may go on while they are sent.
        """
        return list(self._missing())

    def _missing(self) -> Iterator[AnyEvent]:
        answer = self.answer
        if answer.broken:
            self.done = True
            yield Resync(answer.generation_id, answer.url)
            return
        if self._phase != (answer.phase_at, answer.trouble, answer.queue_position):
            self._phase = (answer.phase_at, answer.trouble, answer.queue_position)
            yield phase_of(answer)
        for stage in answer.stages.values():
            if self._stages.get(stage.stage) != stage:
                self._stages[stage.stage] = stage
                yield stage_event(answer.generation_id, answer.position, stage)
        for part in answer.parts.values():
            yield from self._missing_of(part)
        for message in answer.notices[self._notices :]:
            yield Notice(answer.generation_id, message)
        self._notices = len(answer.notices)
        if answer.finished is not None and not self.done:
            self.done = True
            yield self._ending(answer.finished)

    def _missing_of(self, part: LivePart) -> Iterator[AnyEvent]:
        answer = self.answer
        has = self._has.get(part.name) or self._believe(part)
        if has.begun_at != part.begun_at or has.length > part.length or self._claims_too_many(part, has):
            has = self._has[part.name] = Has(part.begun_at)
            yield PartRestarted(answer.generation_id, answer.position, part.name)
        if has.length < part.length:
            text = part.text_from(has.length)
            yield TextDelta(answer.generation_id, answer.position, part.name, has.length, text, answer.tokens)
            has.length = part.length
        if answer.finished is None:
            yield from self._missing_html_of(part, has)

    def _missing_html_of(self, part: LivePart, has: Has) -> Iterator[AnyEvent]:
        if has.blocks < len(part.blocks):
            html = part.blocks[has.blocks :]
            yield BlocksDone(self.answer.generation_id, part.name, has.blocks, html, part.upto)
            has.blocks = len(part.blocks)
            has.tail_version = 0
        if has.tail_version != part.tail_version and has.blocks == len(part.blocks):
            has.tail_version = part.tail_version
            if part.tail_version:
                yield TailRendered(self.answer.generation_id, part.name, part.tail_html, part.tail_upto)

    def _believe(self, part: LivePart) -> Has:
        """Accept what the page reports, unless the part was restarted after the page's position."""
        has = self._has[part.name] = Has(part.begun_at)
        seen = self.seen.get(part.name)
        if seen is None:
            return has
        if pair_or_beginning(self.position) < as_pair(part.begun_at) or seen.blocks > seen.length:
            has.begun_at = "before"  # unequal to every position, so the page must drop its part
        else:
            has.length, has.blocks = seen.length, seen.blocks
        return has

    def _claims_too_many(self, part: LivePart, has: Has) -> bool:
        """The page reports more blocks than were ever rendered; this is known only at the end."""
        finished = self.answer.finished
        return finished is not None and has.blocks > max(len(part.blocks), len(finished.blocks.get(part.name, ())))

    def _ending(self, finished: FinishedAnswer) -> AnswerFinished:
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
        """Final blocks, by index, that differ from the page's; an empty one is to be removed."""
        has = self._has.get(name, Has()).blocks
        part = next((p for p in self.answer.parts.values() if p.name == name), None)
        shown = part.blocks[:has] if part else []
        shown += [""] * (max(has, len(final)) - len(shown))
        final = final + [""] * (len(shown) - len(final))
        return {str(i): new for i, (old, new) in enumerate(zip(shown, final, strict=True)) if old != new}


class Feed:
    """Sends one page what it misses, in a task of its own, so that a slow page holds up nobody else.

    Owned by the page's socket. The task begins with the first ``wake`` and ends with ``close``.
    """

    def __init__(self, send_missing: Callable[[Viewer], Awaitable[None]]):
        self._send_missing = send_missing
        self._due: dict[Viewer, None] = {}  # may miss something; in the order in which they were woken
        self._has_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self, viewer: Viewer) -> None:
        """The page may miss something of this answer."""
        self._due[viewer] = None
        self._has_due.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="feed of a page")

    async def close(self) -> None:
        """Sends nothing more."""
        self._due.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._has_due.wait()
            self._has_due.clear()
            while self._due:
                viewer = next(iter(self._due))
                del self._due[viewer]
                try:
                    await self._send_missing(viewer)
                except Exception:  # a fault in one answer must not stop the page's others
                    logger.exception("generation %s cannot be shown to a page", viewer.answer.generation_id)


def phase_of(answer: LiveAnswer) -> Phase:
    """The current phase; what delays the answer takes precedence."""
    began = PhaseBegan(answer.trouble, answer.phase.model) if answer.trouble else answer.phase
    event = phase_event(answer.generation_id, answer.phase_at, began, max(answer.attempt, 1))
    if (waiting := answer.queue_position) and not answer.trouble and began.ahead is None:
        event = replace(event, ahead=waiting.ahead, held=waiting.is_held)
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
