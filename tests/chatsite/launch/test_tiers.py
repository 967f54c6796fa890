"""NANO_MODEL to GENIUS_MODEL: tiers for a site that has nobody to enter them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.harness.processes import ROOT

TELL = """
import json, sys
from django.conf import settings as s
json.dump([s.MODEL_TIERS, s.VLLM_BASE_URLS, s.DEMO_MODEL_SERVER], sys.stdout)
"""


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """A process that reads the settings, and nothing of this run's environment."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("VLLM_")}
    env = {**given, "DJANGO_SETTINGS_MODULE": "chatsite.settings", "ENV_FILE": "", **environment}
    return subprocess.run([sys.executable, "-c", TELL], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_they_come_in_their_order_whatever_is_left_out() -> None:
    told = start(GENIUS_MODEL="org/large@http://big:8001/v1", NANO_MODEL="tiny@rev@http://one:8001")

    tiers, urls, is_demo = json.loads(told.stdout)
    assert list(tiers.items()) == [
        ("nano", ["tiny@rev", "http://one:8001/v1"]),
        ("genius", ["org/large", "http://big:8001/v1"]),
    ]
    assert (urls, is_demo) == (["http://one:8001/v1", "http://big:8001/v1"], False)


def test_without_them_nothing_changes() -> None:
    assert json.loads(start().stdout) == [{}, ["http://127.0.0.1:8100/v1"], True]
    assert json.loads(start(VLLM_BASE_URL="http://one/v1,http://two/v1").stdout)[1:] == [
        ["http://one/v1", "http://two/v1"],
        False,
    ]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("qwen3-8b", "write it as model@http://host:port/v1."),
        ("@http://one:8001/v1", "write it as model@http://host:port/v1."),
        ("qwen3-8b@one:8001", "write it as model@http://host:port/v1."),
        ("qwen3-8b@http://user:secret@one/v1", "The address must not contain a user name or password"),
        ("qwen3-8b@http://169.254.169.254/v1", "169.254.169.254 is not allowed"),
        ("qwen3-8b@http://one:99999/v1", "The host or port of this address is invalid."),
    ],
)
def test_what_cannot_be_read_ends_the_start_with_a_sentence(value: str, why: str) -> None:
    ended = start(SMART_MODEL=value)

    last = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode != 0
    assert f"ImproperlyConfigured: SMART_MODEL cannot be read: {why}" in last
    assert "secret" not in last
