"""The Procfile starts what `make run` starts."""

from __future__ import annotations

import re
from configparser import RawConfigParser

import pytest
from django.conf import settings

from tests.harness.processes import ROOT, procfile

DEFAULTS = {
    "WEB_SOCKET": "3",
    "GENERATIONS_PER_WORKER": str(settings.GENERATIONS_PER_WORKER),
    "FRAME_MAX_BYTES": str(settings.FRAME_MAX_BYTES),
    "EVENT_MAX_BYTES": str(settings.EVENT_MAX_BYTES),
}


@pytest.mark.parametrize("name", ["web", "worker", "background", "beat"])
def test_a_process_is_started_alike(name: str) -> None:
    manager = RawConfigParser()
    manager.read(ROOT / "deploy" / "supervisord.conf")

    started = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", procfile()[name]).replace("python -m ", "")
    started = started.replace("-b 127.0.0.1 -p 8000", "--fd 3")  # `make run` listens before web does
    command = manager[f"program:{name}"]["command"].removeprefix('"%(ENV_PYTHON)s" -m ').replace("%%", "%")
    assert started == f"exec env PROCESS_NAME={name} " + re.sub(r"%\(ENV_(\w+)\)s", lambda m: DEFAULTS[m[1]], command)
