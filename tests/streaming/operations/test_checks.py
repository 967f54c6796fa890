"""What will be missed is said by `manage.py check`, though the site runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from streaming.operations.health.checks import check_redis, check_surroundings


def told(settings: Settings) -> str:
    return "\n".join(warning.msg for warning in (*check_surroundings(), *check_redis(databases=["default"])))


def test_there_is_nothing_to_say_of_a_good_set_up(settings: Settings) -> None:
    assert told(settings) == ""


def test_without_mail(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "conversations.accounts.mail.Unsent"

    assert "EMAIL_URL is not set: nobody can reset a password" in told(settings)
    assert "CONTACT is not set either" in told(settings)

    settings.DEBUG = True
    assert told(settings) == ""


def test_an_env_file_that_others_can_read(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SECRET_KEY=x")
    settings.ENV_FILE = str(file)

    file.chmod(0o640)
    assert f"chmod go= '{file}'" in told(settings)

    file.chmod(0o600)
    assert told(settings) == ""


@pytest.fixture
def redis_client(settings: Settings) -> Redis:
    return Redis.from_url(settings.REDIS_URL)


def test_a_redis_that_forgets(settings: Settings, redis_client: Redis) -> None:
    before = redis_client.config_get("maxmemory*")
    redis_client.config_set("appendonly", "no")
    redis_client.config_set("maxmemory", 2**40)
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        said = told(settings)
    finally:
        for name in ("maxmemory", "maxmemory-policy"):
            redis_client.config_set(name, before[name])
        redis_client.config_set("appendonly", "yes")
        redis_client.close()

    assert "Redis has no append-only file" in said
    assert "its maxmemory-policy is allkeys-lru" in said
