"""Static files that need no collecting, an empty cache, and people's browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connections
from django.test import Client
from pytest_django import Settings

from conversations.models import Conversation

from .talk import talk


@pytest.fixture(autouse=True)
def static_files(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    yield
    for name in settings.CACHES:
        caches[name].clear()


@pytest.fixture
async def awaiting(transactional_db: None) -> AsyncIterator[None]:
    """For tests that await Django: the thread that works for them has a connection of its own, which must end."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def conversation(alice: User) -> Conversation:
    """Alice's, with one question and its answer."""
    return talk(alice)


@pytest.fixture
def as_alice(alice: User) -> Client:
    return browser(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    return browser(bob)


@pytest.fixture
def as_rita(rita: User) -> Client:
    return browser(rita)


@pytest.fixture
def as_root(db: None) -> Client:
    return browser(User.objects.create_superuser("root", "root@example.com", "secret"))


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
