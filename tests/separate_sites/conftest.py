"""A site that tells everything it does: logs as production writes them, at DEBUG, and traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.site import Site

from .collector import Collector
from .echo import EchoServer

KEY, METRICS_TOKEN = "canary-of-a-key", "canary-of-metrics"


@pytest.fixture(scope="session")
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    server = Collector()
    yield server
    server.close()


@pytest.fixture(scope="session")
def telling_site(tmp_path_factory: pytest.TempPathFactory, echo: EchoServer, collector: Collector) -> Iterator[Site]:
    """Its first model server quotes what it refuses; the second one answers."""
    site = Site(tmp_path_factory.mktemp("telling"), LOG_FORMAT="json", LOG_LEVEL="DEBUG")
    site.env |= {"VLLM_BASE_URL": f"{echo.url},{site.env['VLLM_BASE_URL']}", "VLLM_API_KEY": KEY}
    site.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    site.env["METRICS_TOKEN"] = METRICS_TOKEN
    yield site.start()
    site.stop()
