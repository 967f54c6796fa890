"""kombu's Redis transport, with channels that are closed after ``close()``."""

from __future__ import annotations

from contextlib import suppress

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    def close(self) -> None:
        """Closes the channel even if Redis is down.

        If Redis goes down while a channel waits for it, kombu 5.7 leaves that channel open. Celery closes it once
        more, after the transport has forgotten its address: an AttributeError then ends the worker, with all its
        answers.
        """
        with suppress(*self.connection_errors):  # type: ignore[attr-defined] # the stubs do not know it
            super().close()
        if not self.closed:
            super().close()


class Transport(redis.Transport):
    Channel = Channel


def register() -> None:
    """Makes this the transport of all redis://, rediss:// and redis+socket:// addresses in this process."""
    TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"
