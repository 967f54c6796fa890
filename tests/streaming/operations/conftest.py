"""For each test: an empty Redis, collected static files, and on demand a Redis that does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from pytest_django import Settings
from redis import Redis

from streaming.coordination.redis_clients import command_client, open_sync_client
from streaming.telemetry import heartbeats
from streaming.telemetry.process_stats import EventLoopMonitor


@pytest.fixture(autouse=True)
def store() -> Iterator[Redis]:
    with open_sync_client() as client:
        client.flushdb()
        yield client


@pytest.fixture(autouse=True)
def static_files(settings: Settings, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    manifest: Path = settings.STATIC_ROOT / "staticfiles.json"
    manifest.write_text("{}")
    return manifest


@pytest.fixture
def no_redis(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


@pytest.fixture
def operator(client: Client, otto: User) -> Client:
    """Otto's browser."""
    client.force_login(otto)
    return client


@pytest.fixture
async def worker(store: Redis) -> None:
    """Workers of both kinds, a web process and beat that were heard of just now."""
    heartbeats.publish_beat(store, EventLoopMonitor().take())
    redis = command_client()
    await heartbeats.publish_worker(redis, "host:1", 7, {})
    await heartbeats.publish_background(redis, "host:3")
    await heartbeats.publish_web(redis, "host:2", 12, {})
    await redis.aclose()


@pytest.fixture
async def slow_page(worker: None) -> None:
    """Two of the open pages read nothing."""
    redis = command_client()
    await heartbeats.publish_web(redis, "host:2", 12, {}, waiting=2)
    await redis.aclose()


@pytest.fixture
def broken_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: BaseDatabaseWrapper) -> None:
        raise OperationalError("could not connect to secret-host")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)


@pytest.fixture
def printing(settings: Settings) -> None:
    """Mails, as where EMAIL_URL is not set."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
