"""The costs of a number of streams: token lag and its floor, throughput, processor, memory, and bytes per hop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streaming.coordination.redis_clients import open_sync_client
from streaming.log.records import Text
from streaming.log.records import decode as decode_record
from streaming.log.stream_log import FIELD, key_of

from .askers import Direct, Place
from .figures import MB, MS, US, Figure, percentile, percentiles
from .meters import OTHERS, Meters, others_share
from .page import Page
from .run import Load, Run, run, run_pages

LOGS_READ = 20  # per run; all are alike


async def figures_of_load(place: Place, meters: Meters, streams: int, load: Load) -> list[Figure]:
    """Raises Failed."""
    floor = await run(place, meters, [Direct(place) for _ in range(streams)], load)
    site = await run_pages(place, meters, streams, load)
    return [*lags(floor, site), *costs(site), *bytes_per_token(site)]


def lags(floor: Run, site: Run) -> Iterator[Figure]:
    here, there = percentile(site.lags, 95), percentile(floor.lags, 95)
    yield from percentiles("lag", site.lags, site.streams)
    yield Figure("lag p95, floor", there * MS, "ms", site.streams)
    yield Figure("added lag p95", (here - there) * MS, "ms", site.streams)
    yield Figure("lag p95, with the streams' beginning", percentile(site.all_lags, 95) * MS, "ms", site.streams)
    yield Figure("throughput", site.tokens / site.seconds, "tokens/s", site.streams)


def costs(site: Run) -> Iterator[Figure]:
    per_token = {name: (site.after.cpu[name] - seconds) / site.tokens * US for name, seconds in site.before.cpu.items()}
    ours = sum(cost for name, cost in per_token.items() if name not in OTHERS)
    yield Figure("CPU per token, site", ours, "µs", site.streams)
    for name, cost in per_token.items():
        yield Figure(f"CPU per token, {name}", cost, "µs", site.streams)
    yield Figure("processors, other programs", others_share(site.before, site.after), "%", site.streams)
    yield Figure("memory, site", site.after.site_memory * MB, "MB", site.streams)
    for name, size in site.after.memory.items():
        if name not in OTHERS:
            yield Figure(f"memory, {name}", size * MB, "MB", site.streams)


def bytes_per_token(site: Run) -> Iterator[Figure]:
    """Model server → worker → Redis → web → browser. Redis' traffic that the logs' texts do not explain is web's."""
    commands = replies = text = entries = tokens = 0
    with open_sync_client() as redis:
        for asker, note in list(zip(site.askers, site.notes, strict=True))[:LOGS_READ]:
            key = key_of(asker.request)
            tokens += len(note.sent)
            log: Any = redis.xrange(key)
            for position, fields in log:
                if isinstance(record := decode_record(fields[FIELD]), Text):
                    commands += command_size(b"XADD", key.encode(), b"NOMKSTREAM", position, FIELD, fields[FIELD])
                    replies += bulk_size(position)
                    text += len(record.text.encode())
                    entries += 1
    begin, end = site.before, site.after
    read = sum(page.bytes_between(begin.at, end.at) for page in site.askers if isinstance(page, Page))
    by_hop = {
        "model server → worker": sum(note.size for note in site.notes) / sum(len(note.sent) for note in site.notes),
        "worker → Redis": commands / tokens,
        "Redis → web": (end.redis_out - begin.redis_out) / site.tokens - replies / tokens,
        "web → Redis": (end.redis_in - begin.redis_in) / site.tokens - commands / tokens,
        "web → browser": read / site.tokens,
    }
    for hop, size in by_hop.items():
        yield Figure(f"bytes per token, {hop}", size, "B", site.streams)
    yield Figure("bytes to Redis per byte of text", commands / text, "", site.streams)
    yield Figure("tokens per log entry", tokens / entries, "", site.streams)


def command_size(*parts: bytes) -> int:
    """Returns the bytes of a command in Redis' protocol."""
    return len(b"*%d\r\n" % len(parts)) + sum(map(bulk_size, parts))


def bulk_size(part: bytes) -> int:
    return len(b"$%d\r\n" % len(part)) + len(part) + 2
