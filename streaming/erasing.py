"""What is erased for good leaves no text: in Redis at once, and in the files of Redis and of SQLite soon after.

Logs and kept answers go when the rows go, and once more later: a worker that was still writing may have written since.
An append-only file is rewritten, SQLite's log is taken into its file, in which deleted rows are overwritten.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import timedelta
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError, ResponseError

from conversations import site_time
from conversations.models import Erasure
from streaming.log.stream_log import key_of
from streaming.reuse.kept import OWNER, SHARED, pattern_of

logger = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 5.0
STOPPED_AFTER = timedelta(seconds=30)  # whoever was writing has surely stopped by then
SCANNED_AT_ONCE = 1000
READERS_WAIT_MS = 500  # that a checkpoint waits for those who read, while writers wait for it


async def forget(redis: AsyncRedis, owner: int, generations: Iterable[UUID]) -> None:
    """Raises RedisError."""
    if logs := [key_of(pk) for pk in generations]:
        await redis.unlink(*logs)
    async for key in redis.scan_iter(pattern_of(owner), count=SCANNED_AT_ONCE):
        await redis.unlink(key)
    async for key in redis.scan_iter(pattern_of(SHARED), count=SCANNED_AT_ONCE):
        if await redis.hget(key, OWNER) == str(owner).encode():  # type: ignore[misc]
            await redis.unlink(key)


def finish() -> int:
    """Erase the traces of what was erased a while ago; of how many conversations. Raises RedisError, DatabaseError.

    What cannot be done yet is done the next time.
    """
    due = list(Erasure.objects.all().before(site_time.now() - STOPPED_AFTER))
    if not due:
        return 0
    with Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT_S) as redis:
        for erasure in due:
            forget_blocking(redis, erasure.owner_key, erasure.generations)
        if not (clean_redis(redis) and clean_database()):
            return 0
    return Erasure.objects.filter(pk__in=[erasure.pk for erasure in due]).delete()[0]


def clean() -> None:
    """The files, right after something was erased. Raises RedisError."""
    clean_database()
    with Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT_S) as redis:
        clean_redis(redis)


class Cleaner:
    """A thread that cleans the files, once for all that was erased meanwhile. It is there before it is needed: a
    process that ends begins no thread."""

    def __init__(self) -> None:
        self._wanted: SimpleQueue[bool] = SimpleQueue()  # False: no more will be
        self._thread = threading.Thread(target=self._run, name="cleaner", daemon=True)
        self._thread.start()

    def want(self) -> None:
        self._wanted.put(True)

    def close(self, timeout_s: float) -> None:
        self._wanted.put(False)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while self._wanted.get():
            try:
                clean()
            except (RedisError, DatabaseError, OSError) as error:
                logger.warning("files are cleaned of what was erased later: %s", error)
            except Exception:  # a fault of ours; the next time may be better
                logger.exception("files were not cleaned of what was erased")
            finally:
                connection.close()


def forget_blocking(redis: Redis, owner: int, generations: Iterable[UUID | str]) -> None:
    if logs := [key_of(pk) for pk in generations]:
        redis.unlink(*logs)
    for key in redis.scan_iter(pattern_of(owner), count=SCANNED_AT_ONCE):
        redis.unlink(key)
    for key in redis.scan_iter(pattern_of(SHARED), count=SCANNED_AT_ONCE):
        asked_by: Any = redis.hget(key, OWNER)
        if asked_by == str(owner).encode():
            redis.unlink(key)


def clean_redis(redis: Redis) -> bool:
    """Begin a new append-only file, without what is gone. False if an earlier one is not finished."""
    told: Any = redis.info("persistence")
    try:
        if told.get("aof_enabled"):
            redis.bgrewriteaof()  # type: ignore[no-untyped-call]
        if told.get("rdb_last_bgsave_time_sec", -1) >= 0:  # it keeps dumps too
            redis.bgsave(schedule=True)
    except ResponseError as error:
        if "in progress" in str(error):
            return False
        logger.warning("Redis does not let us rewrite its files, in which erased texts stay until it does: %s", error)
    return True


def clean_database() -> bool:
    """SQLite's log becomes empty. False if somebody reads what is in it; PostgreSQL needs none of this."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        (patience,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {READERS_WAIT_MS}")
        try:
            (is_busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except OperationalError:  # another one is under way
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    return not is_busy
