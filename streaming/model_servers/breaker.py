"""A circuit breaker per model server and process: a failing server gets no requests for a while.

CLOSED lets everything through. OPEN lets nothing through as long as another server is available. After a delay the
server is probed (liveness.py); if it is alive, HALF_OPEN lets one answer through, whose first token closes the breaker.
Each failure of a probe or of that answer doubles the delay.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

FAILURES_TO_OPEN = 3  # in a row; a refused connection opens it at once
FIRST_DELAY_S = 2.0
LONGEST_DELAY_S = 60.0
TRIAL_S = 30.0  # without a token from the trial answer, another may be let through after so long


class BreakerState(enum.StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class Breaker:
    """The breaker of one server. ``clock``: monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = BreakerState.CLOSED
        self._clock = clock
        self._failures = 0
        self._delay = FIRST_DELAY_S
        self._probe_at = 0.0
        self._trial_until = 0.0

    @property
    def wants_probe(self) -> bool:
        """True if the delay is over and the server should be probed."""
        return self.state is BreakerState.OPEN and self._clock() >= self._probe_at

    @property
    def lets_through(self) -> bool:
        """True if a request may be sent: any, or when half-open, the trial answer."""
        if self.state is BreakerState.HALF_OPEN:
            return self._clock() >= self._trial_until
        return self.state is BreakerState.CLOSED

    def begin(self) -> None:
        """Called when an answer is requested."""
        if self.state is BreakerState.HALF_OPEN:
            self._trial_until = self._clock() + TRIAL_S

    def record_success(self) -> None:
        """Called when a token arrives."""
        self.state = BreakerState.CLOSED
        self._failures = 0

    def record_failure(self, *, at_once: bool = False) -> None:
        """Called when an answer fails; ``at_once``: the server is certainly unreachable."""
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN:
            self._open(2 * self._delay)
        elif self.state is BreakerState.CLOSED and (at_once or self._failures >= FAILURES_TO_OPEN):
            self._open(FIRST_DELAY_S)

    def record_probe(self, *, healthy: bool) -> None:
        """Records the probe that ``wants_probe`` asked for."""
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
