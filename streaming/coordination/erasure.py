"""Erasure leaves no text behind: none in Redis at once, none in the files of Redis and of SQLite soon after.

Logs and cached answers are deleted with the rows, and again later, since a worker may still have been writing. Redis'
append-only file is rewritten; SQLite's WAL is checkpointed into the database file, where deleted rows are overwritten.
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

STOPPED_AFTER = timedelta(seconds=30)  # by then every worker has stopped writing
SCANNED_AT_ONCE = 1000
READERS_WAIT_MS = 500  # how long a checkpoint waits for readers, while writers wait for the checkpoint


def finish() -> int:
    """Erase the traces of erasures older than STOPPED_AFTER; return the number of Erasure rows that are done.

    What cannot be done yet is left to the next call. Raises RedisError, DatabaseError.
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
    """Delete these users' cached answers, and purge erased data from the files of Redis and SQLite.

    False if it has to be repeated. Raises RedisError, DatabaseError.
    """
    is_clean = clean_database()
    with open_sync_client(ANSWER_TIMEOUT_S) as redis:
        delete_cached_answers(redis, owners)
        return clean_redis(redis) and is_clean


class Cleaner:
    """A thread that cleans, once for all erasures since the last time. It starts early, since a process that ends
    cannot start a thread."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[int | None] = SimpleQueue()  # owners; None ends the thread
        self._thread = threading.Thread(target=self._run, name="cleaner", daemon=True)
        self._thread.start()

    def request(self, owner: int) -> None:
        self._waiting.put(owner)

    def close(self, timeout_s: float) -> None:
        self._waiting.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        is_open = True
        while is_open:
            received = {self._waiting.get()}
            while not self._waiting.empty():
                received.add(self._waiting.get())
            is_open = None not in received
            if owners := {owner for owner in received if owner is not None}:
                self._clean(owners)

    def _clean(self, owners: set[int]) -> None:
        try:
            clean(owners)
        except (RedisError, DatabaseError, OSError) as error:
            logger.warning("erased data is cleaned up later: %s", error)
        except Exception:  # a bug; the next clean-up may succeed
            logger.exception("erased data was not cleaned up")
        finally:
            connection.close()


def delete_cached_answers(redis: Redis, owners: set[int]) -> None:
    """Delete the cached answers that these users asked for, also those cached for everybody. One pass."""
    stored_owners = {str(owner).encode() for owner in owners}
    cursor = None
    while cursor != 0:
        cursor, keys = redis.scan(cursor or 0, ALL_KEYS, SCANNED_AT_ONCE)  # type: ignore[misc]
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hget(key, OWNER)
        if theirs := [key for key, owner in zip(keys, pipeline.execute(), strict=True) if owner in stored_owners]:
            redis.unlink(*theirs)


def clean_redis(redis: Redis) -> bool:
    """Have Redis rewrite its append-only file and its dump without erased data. False if a rewrite is in progress."""
    info: Any = redis.info("persistence")
    try:
        if info.get("aof_enabled"):
            redis.bgrewriteaof()  # type: ignore[no-untyped-call]
        if info.get("rdb_last_bgsave_time_sec", -1) >= 0:  # it writes dumps too
            redis.bgsave(schedule=True)
    except ResponseError as error:
        if "in progress" in str(error):
            return False
        logger.warning("Redis refused to rewrite its files; erased texts stay in them until it does: %s", error)
    return True


def clean_database() -> bool:
    """Empty SQLite's WAL. False if it is in use. PostgreSQL needs none of this."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        (patience,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {READERS_WAIT_MS}")
        try:
            (is_busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except OperationalError:  # another checkpoint is running
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    return not is_busy
