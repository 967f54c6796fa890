"""Optional tests against real vLLM servers: `make test-vllm` builds what they need, and runs them.

The whole run shares one site and two servers; whoever kills one of them asks for it back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import BUILT, VllmServer, VllmSite

FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So that `make test`, which leaves out what is marked so, never needs vLLM."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.vllm)


@pytest.fixture(scope="session")
def site() -> Iterator[VllmSite]:
    """The real processes, with two vLLM servers."""
    if not (BUILT / "model.stamp").exists():
        pytest.exit("These tests need vLLM and a model: make test-vllm builds both.")
    with tempfile.TemporaryDirectory(prefix="throughline-vllm-") as folder:
        site = VllmSite(Path(folder))
        yield site.start()
        site.stop()


@pytest.fixture
def first(site: VllmSite) -> VllmServer:
    """The server that answers, with nothing to do."""
    site.first.wait_until_idle()
    return site.first


@pytest.fixture
def mortal_first(site: VllmSite, first: VllmServer) -> Iterator[VllmServer]:
    """The first server, for a test that kills it; a new worker does not know that it was away."""
    yield first
    first.kill()
    first.start()
    first.wait_until_ready()
    site.worker.kill()
    site.worker = site.start_worker()
