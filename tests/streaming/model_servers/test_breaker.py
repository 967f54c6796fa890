"""A server that fails is left alone, and is let back in carefully."""

from __future__ import annotations

import pytest

from streaming.model_servers.breaker import (
    FAILURES_TO_OPEN,
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    TRIAL_S,
    Breaker,
    BreakerState,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def opened(breaker: Breaker) -> Breaker:
    breaker.record_failure(at_once=True)
    return breaker


def half_open(breaker: Breaker, clock: Clock) -> Breaker:
    opened(breaker)
    clock.now += LONGEST_DELAY_S
    breaker.record_probe(healthy=True)
    return breaker


def test_single_failures_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.record_failure()
        breaker.record_success()

    assert breaker.lets_through


def test_failures_in_a_row_open_it(breaker: Breaker) -> None:
    for _ in range(FAILURES_TO_OPEN):
        breaker.record_failure()

    assert breaker.state == BreakerState.OPEN
    assert not breaker.lets_through


def test_it_is_probed_after_the_delay_and_not_before(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    assert not breaker.wants_probe

    clock.now += FIRST_DELAY_S

    assert breaker.wants_probe


def test_each_failed_probe_doubles_the_delay_up_to_a_limit(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    delays = []
    for _ in range(8):
        begun = clock.now
        while not breaker.wants_probe:
            clock.now += FIRST_DELAY_S
        delays.append(clock.now - begun)
        breaker.record_probe(healthy=False)

    assert delays[:4] == [FIRST_DELAY_S * 2**n for n in range(4)]
    assert delays[-1] == LONGEST_DELAY_S


def test_failures_of_answers_while_it_is_open_change_nothing(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    for _ in range(20):
        breaker.record_failure(at_once=True)

    clock.now += FIRST_DELAY_S

    assert breaker.wants_probe


def test_one_answer_at_a_time_tries_a_server_that_is_well_again(breaker: Breaker, clock: Clock) -> None:
    half_open(breaker, clock)
    assert breaker.lets_through

    breaker.begin()

    assert not breaker.lets_through
    clock.now += TRIAL_S  # it was stopped, say, and told nothing
    assert breaker.lets_through


def test_the_first_token_of_the_trial_closes_it(breaker: Breaker, clock: Clock) -> None:
    half_open(breaker, clock).begin()

    breaker.record_success()

    assert breaker.state == BreakerState.CLOSED


def test_a_failed_trial_opens_it_for_longer(breaker: Breaker, clock: Clock) -> None:
    half_open(breaker, clock).begin()

    breaker.record_failure()

    assert breaker.state == BreakerState.OPEN
    clock.now += FIRST_DELAY_S
    assert not breaker.wants_probe
    clock.now += FIRST_DELAY_S
    assert breaker.wants_probe
