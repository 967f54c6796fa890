"""Celery's connection to a Redis that goes away."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from kombu import Connection, Consumer, Message, Producer, Queue

from chatsite.celery import app
from tests.harness.processes import redis_process


def test_a_connection_with_unfinished_tasks_is_closed_when_redis_has_gone() -> None:
    with TemporaryDirectory(prefix="throughline-broker-") as folder:
        redis = redis_process(Path(folder) / "redis.sock", Path(folder))
        connection: Connection = app.connection_for_read(f"redis+socket://{folder}/redis.sock")
        channels = connection.default_channel, connection.channel()
        taken: list[Message] = []
        for number, channel in enumerate(channels):
            queue = Queue(f"queue-{number}", channel=channel)
            Consumer(channel, [queue], on_message=taken.append).consume()
            Producer(channel).publish("a task", routing_key=queue.name, declare=[queue])
        while len(taken) < len(channels):
            connection.drain_events(timeout=60)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
        redis.kill()

        connection.collect()  # what Celery's worker does when it lost its broker
        connection.close()

        assert channels[0].closed
