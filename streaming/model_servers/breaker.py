"""A circuit breaker per model server, as one process knows it: a server that fails is left alone for a while.

CLOSED lets everything through. OPEN lets nothing through, as long as another server is there. After a delay the server
is asked for signs of life (liveness.py); if it has any, HALF_OPEN lets one answer through, whose first token closes the
breaker again. Each failure of a probe or of that answer doubles the delay.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

FAILURES_TO_OPEN = 3  # one after the other; a refused connection opens at once
FIRST_DELAY_S = 2.0
LONGEST_DELAY_S = 60.0
TRIAL_S = 30.0  # a trial that says nothing for so long is forgotten, and another may begin


class BreakerState(enum.StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class Breaker:
    """Of one server. ``clock`` tells seconds, and never runs backwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = BreakerState.CLOSED
        self._clock = clock
        self._failures = 0
        self._delay = FIRST_DELAY_S
        self._probe_at = 0.0
        self._trial_until = 0.0

    @property
    def wants_probe(self) -> bool:
        """It has been left alone for long enough."""
        return self.state is BreakerState.OPEN and self._clock() >= self._probe_at

    @property
    def lets_through(self) -> bool:
        """An answer may be asked for: any, or the one that tries whether it works again."""
        if self.state is BreakerState.HALF_OPEN:
            return self._clock() >= self._trial_until
        return self.state is BreakerState.CLOSED

    def begin(self) -> None:
        """An answer is asked for."""
        if self.state is BreakerState.HALF_OPEN:
            self._trial_until = self._clock() + TRIAL_S

    def record_success(self) -> None:
        """A token came."""
        self.state = BreakerState.CLOSED
        self._failures = 0

    def record_failure(self, *, at_once: bool = False) -> None:
        """An answer failed; ``at_once``: there is no doubt that the server is away."""
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN:
            self._open(2 * self._delay)
        elif self.state is BreakerState.CLOSED and (at_once or self._failures >= FAILURES_TO_OPEN):
            self._open(FIRST_DELAY_S)

    def record_probe(self, *, healthy: bool) -> None:
        """The answer to ``wants_probe``."""
        if self.state is not BreakerState.OPEN:
            return
        if healthy:
            self.state, self._trial_until = BreakerState.HALF_OPEN, 0.0
        else:
            self._open(2 * self._delay)

    def _open(self, delay: float) -> None:
        self.state = BreakerState.OPEN
        self._delay = min(delay, LONGEST_DELAY_S)
        self._probe_at = self._clock() + self._delay
