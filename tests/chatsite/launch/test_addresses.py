"""Settings that are addresses: one that is none ends the start with a sentence that names it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.environment import Environment

READERS = {
    "ALLOWED_HOSTS": Environment.hosts,
    "CSRF_TRUSTED_ORIGINS": Environment.origins,
    "VLLM_BASE_URL": Environment.model_servers,
    "OTEL_EXPORTER_OTLP_ENDPOINT": Environment.collector,
    "REDIS_URL": lambda env, var: env.redis(var, "").url,
    "DATABASE_URL": lambda env, var: env.database(var, {})["HOST"],
}


def read(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> object:
    monkeypatch.setenv(name, value)
    return READERS[name](Environment(), name)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ALLOWED_HOSTS", host) for host in ("http://a.example.com", "a.example.com:8000", "a b", "[", "a..b", "a/")),
        *(("CSRF_TRUSTED_ORIGINS", f"https://ok.example.com,{origin}") for origin in (
            "http://[", "chat.example.com", "https://", "https://a:port", "https://a:99999", "https://a/b", "ftp://a"
        )),
        *(("VLLM_BASE_URL", url) for url in ("http://[", "host:8001/v1", "http://host:port/v1", "http://169.254.169.254")),
        *(("OTEL_EXPORTER_OTLP_ENDPOINT", url) for url in ("http://[", "collector:4318", "http://")),
        *(("REDIS_URL", url) for url in ("redis://[", "redis://h:port/0", "redis://h/zero", "rediss://h/0/1", "unix://")),
        *(("DATABASE_URL", url) for url in ("postgres://[", "postgres://u:p@h:port/x", "//x")),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name}"):
        read(monkeypatch, name, value)


@pytest.mark.parametrize(
    ("name", "value", "as_read"),
    [
        ("ALLOWED_HOSTS", "", []),
        ("ALLOWED_HOSTS", "*", ["*"]),
        ("ALLOWED_HOSTS", ".a.de,b_1,[::1],10.0.0.1", [".a.de", "b_1", "[::1]", "10.0.0.1"]),
        ("CSRF_TRUSTED_ORIGINS", "https://a.de/,http://[::1]:8000", ["https://a.de", "http://[::1]:8000"]),
        ("CSRF_TRUSTED_ORIGINS", "https://*.a.de", ["https://*.a.de"]),
        ("VLLM_BASE_URL", "http://one:8001/v1,http://two:8001", ["http://one:8001/v1", "http://two:8001/v1"]),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "http://collector:4318"),
        ("REDIS_URL", "redis://h:6379", "redis://h:6379"),
        ("REDIS_URL", "redis://:p%2F@h/2", "redis://:p%2F@h/2"),
        ("REDIS_URL", "unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("DATABASE_URL", "postgres://u:p@[::1]:5432/x", "::1"),
    ],
)
def test_addresses_are_read(monkeypatch: pytest.MonkeyPatch, name: str, value: str, as_read: object) -> None:
    assert read(monkeypatch, name, value) == as_read
