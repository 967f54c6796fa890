"""What stands in the way of a start is said in one sentence, with exit code 2."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .run import Run


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


@pytest.mark.parametrize(("name", "attribute"), [("PORT", "port"), ("DEMO_MODEL_PORT", "model_port")])
def test_a_port_that_is_taken(tmp_path: Path, name: str, attribute: str) -> None:
    run = Run(tmp_path / "data", tmp_path)
    port = getattr(run, attribute)

    with listening(port):
        code, said = run.refused()

    assert code == 2
    assert said == (
        f"Throughline cannot start: port {port} is taken by another program. "
        f"End that, or choose another: make run {name}=…\n"
    )


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("PORT", "many", "PORT cannot be read"),
        ("PORT", "70000", "there is no port 70000"),
        ("MAX_ATTEMPTS", "0", "MAX_ATTEMPTS is 1 or more"),
        ("TRUSTED_PROXIES", "-1", "TRUSTED_PROXIES cannot be read: '-1' is out of range"),
        ("REQUEST_TIMEOUT_S", "9" * 400, "is out of range"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL is 'loud', and must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        ("TIME_ZONE", "Nowhere", "TIME_ZONE is 'Nowhere'; write it as Europe/Vienna, or UTC."),
        ("TIME_ZONE", "Europe", "TIME_ZONE is 'Europe'"),
        ("EMAIL_URL", "mail.example.com", "EMAIL_URL: write it as smtp+tls://"),
        ("EMAIL_URL", "smtp://mail.example.com:many", "EMAIL_URL: write it as smtp+tls://"),
        ("HOST", "192.0.2.1", "192.0.2.1 is no address of this machine"),
        ("WARM_AFTER_IDLE_S", "0", "WARM_AFTER_IDLE_S is 1 or more"),
        ("DEBUG", "perhaps", "DEBUG cannot be read: 'perhaps' is neither true nor false"),
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("DEFAULT_MODE", "slow", "DEFAULT_MODE is 'slow', and must be one of auto, quick, balanced, deep."),
        ("CSRF_TRUSTED_ORIGINS", "http://[", "CSRF_TRUSTED_ORIGINS: 'http://[' is no origin; write it as https://"),
        ("REDIS_URL", "redis://127.0.0.1:1", "Redis does not answer at REDIS_URL"),
        ("DATABASE_URL", "somewhere", "DATABASE_URL cannot be read"),
        ("DATA_DIR", "/dev/null/data", "nothing can be stored in /dev/null/data"),
        ("DATA_DIR", "/tmp/100%", "the path holds a percent sign"),
    ],
)
def test_a_setting_that_cannot_work(tmp_path: Path, setting: str, value: str, why: str) -> None:
    code, said = Run(tmp_path / "data", tmp_path, **{setting: value}).refused()

    assert code == 2
    assert said.startswith("Throughline cannot start: ")
    assert why in said
    assert said.count("\n") == 1


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "DATABASE_TIMEOUT_S": "1"}

    code, said = Run(tmp_path / "data", tmp_path, **away).refused()

    assert code == 2
    assert "Throughline cannot start: the database cannot be used" in said
    assert "Traceback" not in said
