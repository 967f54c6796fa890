"""A dispatch is a hint: a click does not wait for a broker that is away."""

from __future__ import annotations

from uuid import uuid4

import pytest
from celery import Celery

from streaming import dispatch


def test_a_broker_that_is_away_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("somebody waits for the broker")

    app = Celery()
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = "redis+socket:///nowhere/redis.sock"
    monkeypatch.setattr(dispatch, "current_app", app)
    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)

    assert dispatch.dispatch(uuid4()) is False
