"""/healthz and /readyz test what they claim."""

from pathlib import Path
from threading import Event

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings
from redis import Redis

from chatsite.logs import Expected
from streaming.operations.health import endpoints
from tests.streaming.operations.pages.test_overview import probed

pytestmark = pytest.mark.django_db(transaction=True)


def ready(client: Client) -> tuple[int, dict[str, str]]:
    response = client.get("/readyz")
    assert "no-store" in response.headers["Cache-Control"]
    body = response.json()
    return response.status_code, {"status": body["status"], **body["checks"]}


def test_a_whole_site_is_ready(client: Client, worker: None) -> None:
    probed()

    status, said = ready(client)

    assert (status, said.pop("status")) == (200, "ready")
    assert said == dict.fromkeys(("process", "database", "redis", "static", "workers", "model_servers"), "ok")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "[fd00::1]", "web-7f9c.pods.local", "_"])
def test_probes_and_scrapes_may_ask_by_any_address(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz/", "/accounts/login/", "/api/v1/conversations"])
def test_nobody_else_may_and_it_is_no_error_of_ours(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3"}).status_code == 400
    (record,) = caplog.records
    Expected().filter(record)
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_a_process_that_ends_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "shutting_down", ended := Event())
    ended.set()

    assert ready(client)[0] == 503


def test_without_workers_and_model_servers_it_is_degraded(client: Client) -> None:
    status, said = ready(client)

    assert (status, said["status"]) == (200, "degraded")
    assert "no worker" in said["workers"] and "not probed" in said["model_servers"]


def test_a_model_server_that_is_down_is_not_named_to_strangers(client: Client, worker: None) -> None:
    probed(healthy=False, error="secret address")

    status, said = ready(client)

    assert (status, said["model_servers"]) == (200, "1 of 1 do not answer")


def test_without_redis_it_is_not_ready(client: Client, no_redis: None) -> None:
    status, said = ready(client)

    assert (status, said["status"], said["database"]) == (503, "not ready", "ok")
    assert said["redis"] == "does not work: ConnectionError"
    assert said["workers"] == said["model_servers"] == "unknown, without Redis"


def test_a_redis_that_takes_no_writes_is_not_ready(client: Client, store: Redis) -> None:
    store.config_set("min-replicas-to-write", 1)
    try:
        status, said = ready(client)
    finally:
        store.config_set("min-replicas-to-write", 0)

    assert status == 503 and said["redis"].startswith("does not work")


def test_a_broken_database_is_not_ready(client: Client, broken_database: None) -> None:
    status, said = ready(client)

    assert (status, said["database"], said["redis"]) == (503, "does not work: OperationalError", "ok")


def test_missing_migrations_are_not_ready(client: Client) -> None:
    recorder = MigrationRecorder(connection)
    app, name = max(key for key in recorder.applied_migrations() if key[0] == "conversations")
    recorder.record_unapplied(app, name)
    try:
        status, said = ready(client)
    finally:
        recorder.record_applied(app, name)

    assert (status, said["database"]) == (503, "migrations are missing: run manage.py migrate")


def test_missing_static_files_are_not_ready(client: Client, static_files: Path) -> None:
    static_files.unlink()

    status, said = ready(client)

    assert (status, said["static"]) == (503, "static files are missing: run manage.py collectstatic")


def test_a_check_that_hangs_does_not_hold_up_the_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    released = Event()
    monkeypatch.setattr(endpoints, "LIMIT_S", 0.05)
    monkeypatch.setattr(endpoints, "check_static", lambda: released.wait() and None)

    status, said = ready(client)
    released.set()

    assert (status, said["static"]) == (503, "no answer within 0.05 s")


def test_this_process_is_alive_whatever_else_is_broken(client: Client, no_redis: None, broken_database: None) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_they_need_no_https(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]

    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
