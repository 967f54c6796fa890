"""Traces follow from the generation's id, and cost nothing where they are switched off."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib import metadata
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django import Settings

from streaming.telemetry import tracing
from streaming.telemetry.tracing import Span, headers, span_id
from tests.harness.processes import ROOT

IMPORTS = """
import sys, streaming.worker.runner, streaming.chat.consumer
print({"streaming.telemetry.otlp", "requests"} & set(sys.modules))
"""


def test_switched_off_nothing_is_imported() -> None:
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", IMPORTS]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    assert (
        told.stdout.strip() == "set()"
    )  # the exporter needs requests; redis-py imports some of OpenTelemetry by itself


def test_switched_off_nothing_is_told_to_model_servers() -> None:
    assert headers(f"{uuid4()}-0-1-1") == {}


def test_two_processes_make_the_same_ids_of_a_generation(settings: Settings) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9"
    generation, now = uuid4(), timezone.now()
    request = f"{generation}-0-1-1"
    span = Span(generation, "request", request, now, now)

    assert headers(request) == {"traceparent": f"00-{span.trace_id:032x}-{span.id:016x}-01"}
    assert span.parent_id == Span(generation, "generation", tracing.ROOT, now, now).id
    assert span_id(generation, "queue") != span_id(uuid4(), "queue")


def test_switched_on_without_its_packages_the_site_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(ImproperlyConfigured, match="pip install opentelemetry-sdk opentelemetry-exporter"):
        runpy.run_path(str(ROOT / "chatsite" / "settings.py"))
