"""kombu's Redis transport, with channels that are closed when they say so."""

from __future__ import annotations

from contextlib import suppress

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    def close(self) -> None:
        """Closes it also when Redis has gone.

        kombu 5.7 leaves a channel open that was waiting for Redis as it went. Celery closes it once more, after
        the transport has forgotten its address: an AttributeError then ends the worker, with all its answers.
        """
        with suppress(*self.connection_errors):  # type: ignore[attr-defined] # the stubs do not know it
            super().close()
        if not self.closed:
            super().close()


class Transport(redis.Transport):
    Channel = Channel


def register() -> None:
    """Makes it the transport of all redis:// and redis+socket:// addresses of this process."""
    TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"
