"""What is erased for good leaves no text: in Redis at once, and in the files of Redis and of SQLite soon after.

Logs and kept answers go with the rows, and once more later: a worker that was still writing may have written since.
An append-only file is rewritten, SQLite's log is taken into its file, in which deleted rows are overwritten.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

from django.db import DatabaseError, OperationalError, connection
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from conversations import site_time
from conversations.models import Erasure
from streaming.cache.response_cache import ALL_KEYS, OWNER
from streaming.log.stream_log import key_of

from .redis_clients import ANSWER_TIMEOUT_S, open_sync_client

logger = logging.getLogger(__name__)

STOPPED_AFTER = timedelta(seconds=30)  # whoever was writing has surely stopped by then
SCANNED_AT_ONCE = 1000
READERS_WAIT_MS = 500  # that a checkpoint waits for those who read, while writers wait for it


def finish() -> int:
    """Erase the traces of what was erased a while ago; of how many conversations. Raises RedisError, DatabaseError.

    What cannot be done yet is done the next time.
    """
    due = list(Erasure.objects.all().before(site_time.now() - STOPPED_AFTER))
    if not due:
        return 0
    with open_sync_client(ANSWER_TIMEOUT_S) as redis:
        for erasure in due:
            if logs := [key_of(pk) for pk in erasure.generations]:
                redis.unlink(*logs)
    if not clean({erasure.owner_key for erasure in due}):
        return 0
    return Erasure.objects.filter(pk__in=[erasure.pk for erasure in due]).delete()[0]


def clean(owners: set[int]) -> bool:
    """Erase what is kept of these users' answers, and then what the files have of all that was erased. False if that
    has to be done again. Raises RedisError, DatabaseError."""
    is_clean = clean_database()
    with open_sync_client(ANSWER_TIMEOUT_S) as redis:
        forget_kept(redis, owners)
        return clean_redis(redis) and is_clean


class Cleaner:
    """A thread that cleans, once for all that was erased meanwhile. It is there before it is needed: a process that
    ends begins no thread."""

    def __init__(self) -> None:
        self._wanted: SimpleQueue[int | None] = SimpleQueue()  # owners; None: no more will be
        self._thread = threading.Thread(target=self._run, name="cleaner", daemon=True)
        self._thread.start()

    def want(self, owner: int) -> None:
        self._wanted.put(owner)

    def close(self, timeout_s: float) -> None:
        self._wanted.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        is_open = True
        while is_open:
            wanted = {self._wanted.get()}
            while not self._wanted.empty():
                wanted.add(self._wanted.get())
            is_open = None not in wanted
            if owners := {owner for owner in wanted if owner is not None}:
                self._clean(owners)

    def _clean(self, owners: set[int]) -> None:
        try:
            clean(owners)
        except (RedisError, DatabaseError, OSError) as error:
            logger.warning("erased data is cleaned up later: %s", error)
        except Exception:  # a fault of ours; the next time may be better
            logger.exception("erased data was not cleaned up")
        finally:
            connection.close()


def forget_kept(redis: Redis, owners: set[int]) -> None:
    """For them alone or for everybody; in one pass."""
    wanted = {str(owner).encode() for owner in owners}
    cursor = None
    while cursor != 0:
        cursor, keys = redis.scan(cursor or 0, ALL_KEYS, SCANNED_AT_ONCE)  # type: ignore[misc]
        asking = redis.pipeline(transaction=False)
        for key in keys:
            asking.hget(key, OWNER)
        if gone := [key for key, owner in zip(keys, asking.execute(), strict=True) if owner in wanted]:
            redis.unlink(*gone)


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
        logger.warning("Redis refused to rewrite its files; erased texts stay in them until it does: %s", error)
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
