"""Django's cache in Redis, for counts that all web processes share: attempts to sign in, to sign up and so on.

While Redis is down, each process counts on its own: pages keep working, and password guesses stay limited.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Json:
    """Replaces pickle, with which anyone who can write to Redis could run code here."""

    def dumps(self, value: object) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()  # Redis increments plain integers only

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class SharedCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]):
        super().__init__(server, params)
        self._own = LocMemCache("of this process, without Redis", {})

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        return self._try(super().add, self._own.add, key, value, *args, **kwargs)

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().get, self._own.get, key, *args, **kwargs)

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        self._try(super().set, self._own.set, key, value, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> bool:
        return self._try(super().delete, self._own.delete, key, *args, **kwargs)

    def incr(self, key: str, *args: Any, **kwargs: Any) -> int:
        """Raises ValueError if the key does not exist."""
        return self._try(super().incr, self._own.incr, key, *args, **kwargs)

    def clear(self) -> None:
        """Deletes only this cache's keys: Django's own would empty the whole Redis."""
        client = self._cache.get_client(None, write=True)
        if keys := list(client.scan_iter(f"{self.key_prefix}:*", count=1000)):
            client.delete(*keys)
        self._own.clear()

    def _try(self, shared: Callable[..., T], own: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            return shared(*args, **kwargs)
        except (RedisError, OSError) as error:
            logger.warning("counting in this process only: %s", error)
            return own(*args, **kwargs)
