"""Leases: expiring Redis keys that say which process runs a generation. The queue grants them, the process renews them.

A lease only saves work: it keeps a second process from beginning what the first still does. It is the log that keeps
attempts from interleaving: it refuses the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from redis.asyncio import Redis

# Renews our leases, takes back expired ones (Redis was unavailable), and returns those that another process holds.
RENEW = """
local lost = {}
for i, key in ipairs(KEYS) do
  local holder = redis.call('GET', key)
  if holder == ARGV[1] or not holder then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
  else
    lost[#lost + 1] = i - 1
  end
end
return lost
"""


class Leases:
    """The leases of one process."""

    def __init__(self, redis: Redis, process: str):
        self._process = process
        self._renew = redis.register_script(RENEW)

    async def renew(self, generation_ids: Sequence[UUID]) -> list[UUID]:
        """Renews all with one command; returns those that another process holds now."""
        if not generation_ids:
            return []
        lost: list[int] = await self._renew(keys=keys_of(generation_ids), args=[self._process, milliseconds()])
        return [generation_ids[index] for index in lost]


async def unheld(redis: Redis, generation_ids: Sequence[UUID]) -> list[UUID]:
    """Generations without a living process: the lease is gone, or missed two renewals. Raises RedisError."""
    async with redis.pipeline(transaction=False) as pipeline:
        for key in keys_of(generation_ids):
            pipeline.pttl(key)
        lives = await pipeline.execute()
    renewed = (settings.LEASE_S - 2 * settings.LEASE_RENEWAL_S) * 1000
    return [pk for pk, left in zip(generation_ids, lives, strict=True) if left < renewed]


def key_of(generation_id: UUID) -> str:
    return f"throughline:lease:{generation_id}"


def keys_of(generation_ids: Iterable[UUID]) -> list[str]:
    return [key_of(generation_id) for generation_id in generation_ids]


def milliseconds() -> int:
    return int(settings.LEASE_S * 1000)
