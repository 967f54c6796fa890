"""A whole site with two model servers, of which a test may break one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from streaming.model_servers import capabilities
from tests.harness.site import Site


@pytest.fixture(scope="session")
def twin_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-twins-") as folder:
        site = Site(Path(folder), model_servers=2).start()
        yield site
        site.stop()


@pytest.fixture
def twins(twin_site: Site) -> Iterator[Site]:
    """With both model servers well, and a worker that knows no better, nor hears from an earlier one what servers can:
    one that was seen not to stream would be asked for whole answers, of which nothing comes while they are held."""
    yield twin_site
    for process in (twin_site.worker, *twin_site.models):
        process.kill()
    with ThreadPoolExecutor() as threads:  # each waits until it is ready
        twin_site.models = list(threads.map(twin_site.start_model, range(len(twin_site.models))))
    with Redis.from_url(twin_site.env["REDIS_URL"]) as redis:
        redis.delete(capabilities.KEY)
    twin_site.worker = twin_site.start_worker()
