"""Redis loses what it had, or goes away in the middle of a write: no text is taken back, and nobody has a hole."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError

from conversations.models.chat.message import ANSWER, PartKey, PartKind
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageStatus
from streaming.live.answer import LiveAnswer
from streaming.log import stream_log
from streaming.log.fold import Folded, HoleInLog
from streaming.log.handle import LogHandle
from streaming.log.records import Claimed, Ended, Noticed, PhaseBegan, StageIs, Text
from streaming.log.stream_log import BEGINNING, Entry
from streaming.log.writer import LogWriter
from tests.streaming.harness import folded_from

THINKING = PartKey(0, PartKind.THINKING)
TOKENS = ("one ", "zwei ", "😀 ", "four")


async def follow(redis: Redis, answer: LiveAnswer) -> None:
    """Read on in the log, as a hub does; text never gets shorter, and no part is begun anew."""
    before = {key: part.text_from(0) for key, part in answer.parts.items()}
    answer.fold(await stream_log.read(redis, answer.generation_id, after=answer.position))
    for key, text in before.items():
        assert answer.parts[key].text_from(0).startswith(text)
        assert answer.parts[key].begun_at == BEGINNING


def shown(answer: LiveAnswer) -> dict[PartKey, str]:
    return {key: part.text_from(0) for key, part in answer.parts.items()}


async def lose(redis: Redis, generation_id: UUID, kept: int) -> None:
    """As after a restart of Redis that had not yet written everything to its disk."""
    key = stream_log.key_of(generation_id)
    entries = await redis.xrange(key)
    await redis.delete(key)
    for position, fields in entries[:kept]:
        await redis.xadd(key, fields, id=position)


async def written(redis: Redis, log: LogHandle) -> list[LiveAnswer]:
    """A reader at each position of a log of an answer with a thought."""
    readers: list[LiveAnswer] = []
    for key, token in zip((THINKING, ANSWER, ANSWER, ANSWER), TOKENS, strict=True):
        readers.append(LiveAnswer(log.generation_id))
        log.write(key, token)
        await log.flush()
        await follow(redis, readers[-1])
    return [LiveAnswer(log.generation_id), *readers]


@pytest.mark.parametrize("kept", range(5))
async def test_a_reader_at_any_position_keeps_what_it_has_and_gets_the_rest(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None], kept: int
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    readers = await written(redis, log)

    break_next_write(False)
    await lose(redis, log.generation_id, kept)
    log.write(ANSWER, " five")
    log.append(Ended(Status.DONE))
    await log.flush()
    for reader in readers:
        await follow(redis, reader)

    assert [shown(reader) for reader in readers] == [log.texts()] * 5
    assert all(reader.ended == Ended(Status.DONE) for reader in readers)


async def test_what_redis_kept_is_not_written_again(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None]
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for token in TOKENS:
        log.write(ANSWER, token)
        await log.flush()

    break_next_write(False)
    await lose(redis, log.generation_id, 2)
    log.write(ANSWER, " five")
    await log.flush()
    records = [record for _, record in await stream_log.read(redis, log.generation_id)]

    texts = [(record.at, record.text, record.tokens) for record in records if isinstance(record, Text)]
    assert texts == [(0, "one ", 1), (4, "zwei ", 2), (9, "😀 four five", 5)]


async def test_a_restart_that_redis_lost_is_told_again(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None]
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "wrong")
    await log.flush()
    reader = LiveAnswer(log.generation_id)
    await follow(redis, reader)

    break_next_write(False)
    log.restart(ANSWER)
    await lose(redis, log.generation_id, 0)
    await log.flush()
    reader.fold(await stream_log.read(redis, log.generation_id, after=reader.position))

    assert shown(reader)[ANSWER] == ""


@pytest.mark.parametrize("kept", range(3))
async def test_all_that_is_no_text_is_told_again(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None], kept: int
) -> None:
    log = writer.open(uuid4(), 2, Folded(), 0)
    stage = StageIs(0, "Draft", StageStatus.RUNNING)
    for record in (stage, PhaseBegan("writing", "model"), Noticed("seen")):
        log.append(record)
        await log.flush()

    break_next_write(False)
    await lose(redis, log.generation_id, kept)
    log.append(Noticed("new"))
    log.append(Ended(Status.DONE))
    await log.flush()
    answer = LiveAnswer(log.generation_id)
    answer.fold(await stream_log.read(redis, log.generation_id))

    assert (answer.attempt, answer.stages[0], answer.phase.phase) == (2, stage, "writing")
    assert answer.notices[-1] == "new" and answer.ended == Ended(Status.DONE)


async def test_tokens_of_stages_are_counted_once(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None]
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for stage, token in ((0, "a "), (1, "b "), (1, "c "), (0, "d ")):
        log.write(PartKey(stage, PartKind.TEXT), token)
        await log.flush()

    break_next_write(False)
    await lose(redis, log.generation_id, 2)
    log.write(ANSWER, "e")
    await log.flush()
    folded = folded_from(await stream_log.read(redis, log.generation_id))

    assert (folded.tokens, folded.stage_tokens) == (5, log.stage_tokens) == (5, {0: 3, 1: 2})


# Doubts


@pytest.fixture
def cut_often(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The next write reaches Redis, its answer is lost; and then so many looks at the log fail too."""
    execute = Pipeline.execute

    def cut(times: int) -> None:
        left = times

        async def broken(pipeline: Pipeline, raise_on_error: bool = True) -> list[object]:
            nonlocal left
            is_look = any(arguments[0] == "XLEN" for arguments, _ in pipeline.command_stack)
            if is_look and left == 0:
                monkeypatch.setattr(Pipeline, "execute", execute)
                return await execute(pipeline, raise_on_error)
            if not is_look:
                await execute(pipeline, raise_on_error)
            left -= is_look
            raise ConnectionError("cut by the test")

        monkeypatch.setattr(Pipeline, "execute", broken)

    return cut


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_what_redis_took_is_no_later_attempts_work(
    redis: Redis, writer: LogWriter, cut_often: Callable[[int], None], times: int
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "a ")
    await log.flush()

    cut_often(times)
    log.write(ANSWER, "b")
    await log.flush()  # raises AttemptLost if it was sent twice

    assert folded_from(await stream_log.read(redis, log.generation_id)).texts == {ANSWER: "a b"}


async def test_a_log_that_redis_refuses_holds_up_no_other(redis: Redis, writer: LogWriter) -> None:
    bad, good = (writer.open(uuid4(), 1, Folded(), 0) for _ in range(2))
    await redis.set(stream_log.key_of(bad.generation_id), "no stream")
    bad.write(ANSWER, "kept")
    good.write(ANSWER, "goes on")
    await good.flush()
    good.write(ANSWER, " and on")
    await good.flush()

    await redis.delete(stream_log.key_of(bad.generation_id))
    await bad.flush()

    for log in (bad, good):
        assert folded_from(await stream_log.read(redis, log.generation_id)).texts == log.texts()


# Its life


async def test_a_log_lives_for_a_while_after_its_end(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "text")
    await log.flush()
    assert await redis.ttl(stream_log.key_of(log.generation_id)) == -1

    log.append(Ended(Status.DONE))
    await log.flush()

    assert 0 < await redis.ttl(stream_log.key_of(log.generation_id)) <= settings.LOG_EXPIRY_S


@pytest.mark.parametrize("redis_got_it", [True, False])
async def test_a_log_whose_end_redis_took_late_lives_no_longer(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None], redis_got_it: bool
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "text")
    await log.flush()

    break_next_write(redis_got_it)
    log.append(Ended(Status.DONE))
    await log.flush()

    assert await redis.ttl(stream_log.key_of(log.generation_id)) > 0


# How records join


def text(at: int, text: str, position: str = "1-1") -> Entry:
    return position, Text(0, PartKind.TEXT, at, text)


def test_text_that_is_known_is_left_out() -> None:
    assert folded_from([text(0, "ab😀"), text(1, "b😀c"), text(0, "a")]).texts == {ANSWER: "ab😀c"}


def test_a_hole_that_is_filled_is_none() -> None:
    assert folded_from([text(0, "ab"), text(4, "ef"), text(2, "cdef")]).texts == {ANSWER: "abcdef"}


def test_what_stands_before_a_hole_is_known() -> None:
    folded = Folded()
    with pytest.raises(HoleInLog):
        folded.fold([text(0, "ab"), text(4, "ef")])

    assert folded.texts == {ANSWER: "ab"}


def test_a_later_record_that_tells_another_text_is_right_and_readers_are_told() -> None:
    answer = LiveAnswer(uuid4())
    answer.fold([text(0, "ab old"), ("2-0", Claimed(2, "other")), text(2, " new text", "2-1")])

    part = answer.parts[ANSWER]
    assert (part.text_from(0), part.begun_at) == ("ab new text", "2-1")
    assert folded_from([text(0, "ab old"), text(2, " new text")]).texts == {ANSWER: "ab new text"}
