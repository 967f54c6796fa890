"""Bytes per token on each hop: model server → worker → Redis → web → browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from streaming.coordination.redis_clients import open_sync_client
from streaming.log.records import AnyRecord, Text
from streaming.log.stream_log import FIELD, key_of

from .figures import Figure
from .run import Run

LOGS_READ = 20  # of a run; all are alike

decode = msgspec.json.Decoder(AnyRecord).decode


@dataclass
class LogTraffic:
    """What the worker's writes of text came to, by the entries that stand in the logs."""

    commands: int = 0  # bytes to Redis
    answers: int = 0  # bytes back
    text: int = 0  # bytes
    tokens: int = 0
    entries: int = 0

    def add(self, key: bytes, position: bytes, data: bytes) -> None:
        record = decode(data)
        if not isinstance(record, Text):
            return
        self.commands += command_size(b"XADD", key, b"NOMKSTREAM", position, FIELD, data)
        self.answers += bulk_size(position)
        self.text += len(record.text.encode())
        self.entries += 1


def log_traffic(run: Run) -> LogTraffic:
    traffic = LogTraffic()
    with open_sync_client() as redis:
        for asker, note in list(zip(run.askers, run.notes, strict=True))[:LOGS_READ]:
            key = key_of(UUID(asker.request))
            entries: Any = redis.xrange(key)
            for position, fields in entries:
                traffic.add(key.encode(), position, fields[FIELD])
            traffic.tokens += len(note.sent)
    return traffic


def hops(run: Run) -> Iterator[Figure]:
    logs = log_traffic(run)
    begin, end = run.before, run.after
    to_redis, from_redis = logs.commands / logs.tokens, logs.answers / logs.tokens
    all_in = (end.redis_in - begin.redis_in) / run.tokens
    all_out = (end.redis_out - begin.redis_out) / run.tokens
    sent = sum(note.size for note in run.notes) / sum(len(note.sent) for note in run.notes)
    heard = sum(asker.bytes_between(begin.at, end.at) for asker in run.askers) / run.tokens
    by_hop = {
        "model server → worker": sent,
        "worker → Redis": to_redis,
        "Redis → web": all_out - from_redis,
        "web → Redis": all_in - to_redis,
        "web → browser": heard,
    }
    for name, size in by_hop.items():
        yield Figure(f"bytes per token, {name}", size, "B", run.streams)
    yield Figure("bytes to Redis per byte of text", logs.commands / logs.text, "", run.streams)
    yield Figure("tokens per log entry", logs.tokens / logs.entries, "", run.streams)


def command_size(*parts: bytes) -> int:
    """Of a command as Redis' protocol writes it."""
    return len(b"*%d\r\n" % len(parts)) + sum(map(bulk_size, parts))


def bulk_size(part: bytes) -> int:
    return len(b"$%d\r\n" % len(part)) + len(part) + 2
