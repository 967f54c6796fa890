"""The stream log: one order, one writer at a time, nothing lost and nothing doubled."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import Connection

from conversations.models.chat.message import ANSWER, PartKey, PartKind
from conversations.models.generation.generation import Status
from streaming.log import stream_log
from streaming.log.fold import Folded, HoleInLog
from streaming.log.records import Claimed, Ended, PhaseBegan, Text
from streaming.log.stream_log import AttemptLost
from streaming.log.writer import LogWriter
from tests.streaming.harness import folded_from

THINKING = PartKey(0, PartKind.THINKING)


async def folded(redis: Redis, generation_id: UUID) -> Folded:
    return folded_from(await stream_log.read(redis, generation_id))


async def test_what_is_written_is_what_is_read(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for token in ("Hello", ", ", "wörld 😀", "\n\n", "x"):
        log.write(ANSWER, token)
    log.write(THINKING, "aside")
    log.append(Ended(Status.DONE))
    await log.flush()

    found = await folded(redis, log.generation_id)

    assert found.texts == {ANSWER: "Hello, wörld 😀\n\nx", THINKING: "aside"} == log.texts()
    assert (found.tokens, found.ended) == (6, Ended(Status.DONE))


async def test_text_that_waits_is_joined_into_one_record(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for _ in range(500):
        log.write(ANSWER, "token ")
    await log.flush()

    assert await redis.xlen(stream_log.key_of(log.generation_id)) == 1


@pytest.mark.parametrize(
    "entry", [b'["x",1]', b'["t",0,"sculpture",0,"Hm",1]', b'["e","exploded"]', b'["t"]', b"\xff", b""]
)
async def test_what_another_version_wrote_folds_to_nothing(redis: Redis, writer: LogWriter, entry: bytes) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "one ")
    await log.flush()
    await redis.xadd(stream_log.key_of(log.generation_id), {stream_log.FIELD: entry}, id="1-9")

    left = folded_from(await stream_log.claim(redis, log.generation_id, 2, "next"))

    assert (left.texts, left.tokens, left.ended) == ({ANSWER: "one "}, 1, None)


async def test_a_later_attempt_shuts_the_earlier_out(redis: Redis, writer: LogWriter) -> None:
    early = writer.open(uuid4(), 1, Folded(), 0)
    early.write(ANSWER, "early ")
    await early.flush()

    await stream_log.claim(redis, early.generation_id, 2, "other")
    early.write(ANSWER, "too late")

    with pytest.raises(AttemptLost):
        await early.flush()
    assert (await folded(redis, early.generation_id)).texts == {ANSWER: "early "}


async def test_who_goes_on_writing_a_log_that_is_lost_does_not_wait_for_it(redis: Redis, writer: LogWriter) -> None:
    early = writer.open(uuid4(), 1, Folded(), 0)
    await stream_log.claim(redis, early.generation_id, 2, "other")
    early.write(ANSWER, "too late")
    await early.lost.wait()

    early.write(ANSWER, "later still")

    with pytest.raises(AttemptLost):
        await early.flush()


async def test_an_attempts_number_can_be_claimed_once(redis: Redis) -> None:
    generation_id = uuid4()
    await stream_log.claim(redis, generation_id, 1, "one")

    with pytest.raises(AttemptLost):
        await stream_log.claim(redis, generation_id, 1, "two")


async def test_the_claim_tells_what_users_have_seen(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "seen")
    await log.flush()

    entries = await stream_log.claim(redis, log.generation_id, 2, "other")

    assert [record for _, record in entries] == [Text(0, PartKind.TEXT, 0, "seen", 1), Claimed(2, "other")]


async def test_an_attempt_goes_on_where_the_text_ends(redis: Redis, writer: LogWriter) -> None:
    generation_id = uuid4()
    first = writer.open(generation_id, 1, Folded(), 0)
    first.write(ANSWER, "😀 one ")
    await first.flush()

    second = writer.open(generation_id, 2, await folded(redis, generation_id), 1)
    second.write(ANSWER, "two")
    await second.flush()

    assert (await folded(redis, generation_id)).texts == {ANSWER: "😀 one two"}


async def test_a_restarted_part_has_only_its_new_text(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "wrong")
    log.restart(ANSWER)
    log.write(ANSWER, "right")
    await log.flush()

    assert (await folded(redis, log.generation_id)).texts == {ANSWER: "right"} == log.texts()


@pytest.mark.parametrize("redis_got_it", [True, False])
async def test_a_broken_write_is_neither_lost_nor_doubled(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None], redis_got_it: bool
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.write(ANSWER, "a ")
    await log.flush()

    break_next_write(redis_got_it)
    log.write(ANSWER, "b ")
    await log.flush()
    log.write(ANSWER, "c")
    await log.flush()

    assert (await folded(redis, log.generation_id)).texts == {ANSWER: "a b c"}


@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_a_log_that_redis_lost_is_written_anew(
    redis: Redis, writer: LogWriter, break_next_write: Callable[[bool], None], kept: int
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for token in ("a ", "b ", "c "):
        log.write(ANSWER, token)
        await log.flush()

    break_next_write(False)
    await lose(redis, stream_log.key_of(log.generation_id), kept)
    log.write(ANSWER, "d")
    await log.flush()

    assert (await folded(redis, log.generation_id)).texts == {ANSWER: "a b c d"}


async def test_a_log_that_vanishes_between_two_writes_is_written_anew(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for token in ("a ", "b "):
        log.write(ANSWER, token)
        await log.flush()

    await redis.delete(stream_log.key_of(log.generation_id))
    log.write(ANSWER, "c")
    await log.flush()

    assert (await folded(redis, log.generation_id)).texts == {ANSWER: "a b c"}


@pytest.mark.parametrize("kept", [1, 2])
async def test_what_a_restarted_redis_lost_is_noticed_though_no_write_failed(
    redis: Redis, writer: LogWriter, kept: int
) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for token in ("a ", "b ", "c "):
        log.write(ANSWER, token)
        await log.flush()

    await lose(redis, stream_log.key_of(log.generation_id), kept)
    await redis.client_kill_filter(_type="normal", skipme=True)
    log.write(ANSWER, "d")
    await log.flush()
    async with asyncio.timeout(60):
        while await hole_in(redis, log.generation_id):
            await asyncio.sleep(0.01)

    assert (await folded(redis, log.generation_id)).texts == {ANSWER: "a b c d"}


async def hole_in(redis: Redis, generation_id: UUID) -> bool:
    try:
        await folded(redis, generation_id)
    except HoleInLog:
        return True
    return False


async def lose(redis: Redis, key: str, kept: int) -> None:
    """As after a restart of Redis that had not yet written everything to its disk."""
    entries = await redis.xrange(key)
    await redis.delete(key)
    for position, fields in entries[:kept]:
        await redis.xadd(key, fields, id=position)


def test_missing_records_are_noticed() -> None:
    with pytest.raises(HoleInLog):
        folded_from([("1-1", Text(0, PartKind.TEXT, 0, "a", 1)), ("1-2", Text(0, PartKind.TEXT, 2, "c", 3))])


async def test_folding_from_every_position_gives_the_same_text(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    for token in ("one ", "two ", "😀 ", "four"):
        log.write(ANSWER, token)
        log.append(PhaseBegan("writing"))
        await log.flush()
    entries = await stream_log.read(redis, log.generation_id)

    for cut in range(len(entries) + 1):
        found = folded_from(entries[:cut])
        found.fold(entries[cut:])
        assert found.texts == log.texts()


async def test_the_first_text_that_redis_has_is_timed(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 0)
    log.append(PhaseBegan("starting"))
    log.write(ANSWER, "of an earlier generation", tokens=0)
    await log.flush()
    assert log.first_append_at is None

    log.write(ANSWER, "new")
    await log.flush()
    first = log.first_append_at
    log.write(ANSWER, "er")
    await log.flush()

    assert first is not None and log.first_append_at == first


async def test_a_later_attempt_does_not_call_its_text_the_first(redis: Redis, writer: LogWriter) -> None:
    begun = Folded()
    begun.tokens = 3
    log = writer.open(uuid4(), 2, begun, 0)
    log.write(ANSWER, "more")
    await log.flush()

    assert log.first_append_at is None


async def test_bytes_for_redis_are_counted_as_they_are_sent(redis: Redis, writer: LogWriter) -> None:
    log = writer.open(uuid4(), 1, Folded(), 1)
    log.write(ANSWER, "x" * 200)
    pipeline = redis.pipeline(transaction=False)
    log.fill(pipeline)
    (arguments, _) = pipeline.command_stack[0]

    packed = b"".join(Connection().pack_command(*arguments))

    assert abs(log.sent_bytes - len(packed)) <= 2
