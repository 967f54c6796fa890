"""A Redis for every run, and people: Alice owns, Bob has no access, Rita reviews, Otto operates."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from redis.asyncio import Redis

from streaming.coordination.redis_clients import command_client
from tests.harness.chromium import browser  # noqa: F401 - a fixture, once for the whole run
from tests.harness.processes import Process, redis_process
from tests.harness.site import Site

# The same examples in every run, however slow the machine is.
hypothesis.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
hypothesis.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[Process]:
    path = Path(settings.REDIS_URL.removeprefix("unix://"))
    with tempfile.TemporaryDirectory(prefix="throughline-redis-") as folder:
        process = redis_process(path, Path(folder))
        yield process
        process.stop()


@pytest.fixture(scope="session", autouse=True)
def no_cleaner() -> Iterator[None]:
    """The thread that cleans up after an erasure would ask the database when the test is over that lets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streaming.coordination.erasure.Cleaner._clean", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """All real processes, for the whole run."""
    with tempfile.TemporaryDirectory(prefix="throughline-site-") as folder:
        site = Site(Path(folder)).start()
        yield site
        site.stop()


@pytest.fixture(scope="session")
def caching_site() -> Iterator[Site]:
    """At temperature 0, with the response cache that other sites of tests do without."""
    with tempfile.TemporaryDirectory(prefix="throughline-caching-") as folder:
        site = Site(Path(folder), RESPONSE_CACHE="true", VLLM_TEMPERATURE="0").start()
        yield site
        site.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failure against the running site comes with what its processes said."""
    report = yield
    for used in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(used, Site):
            report.sections.append(("the site's processes", used.output()))
    return report


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    client = command_client()
    yield client
    await client.aclose()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.com", "secret")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com", "secret")


@pytest.fixture
def rita(db: None) -> User:
    user = User.objects.create_user("rita", "rita@example.com", "secret", is_staff=True)
    user.groups.add(Group.objects.get(name="reviewers"))
    return user


@pytest.fixture
def otto(db: None) -> User:
    user = User.objects.create_user("otto", "otto@example.com", "secret")
    user.groups.add(Group.objects.get(name="operators"))
    return user


@pytest.fixture
def as_otto(otto: User) -> Client:
    """An operator who may enter the admin."""
    otto.is_staff = True
    otto.save()
    client = Client()
    client.force_login(otto)
    return client
