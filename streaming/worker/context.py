"""What attempts are given, and told."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from redis.asyncio import Redis

from streaming.cache.answers import Reuse
from streaming.log.writer import LogWriter
from streaming.model_servers.pool import ModelServers

from .stage.queue_position import WaitingRequests


class Interruption(enum.Enum):
    STOP = enum.auto()  # the user's
    HAND_OVER = enum.auto()  # this process ends; another one goes on
    LOST = enum.auto()  # another attempt has it already


@dataclass(frozen=True)
class WorkerContext:
    """What a process shares among its attempts."""

    redis: Redis
    writer: LogWriter
    servers: ModelServers
    reuse: Reuse
    line: WaitingRequests
    process: str
