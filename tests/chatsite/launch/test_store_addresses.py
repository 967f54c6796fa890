"""Options of DATABASE_URL and REDIS_URL reach every client, or end the start."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.environment import Environment
from chatsite.stores.addresses import redis_address, with_defaults

POOL = {"min_size": 1, "max_size": 12, "timeout": 10}
PG = "postgres://u:p@db:5432/name"


database_of = Environment.database_of


def options(address: str) -> dict[str, Any]:
    found: dict[str, Any] = with_defaults(database_of("DATABASE_URL", address), 10, POOL)["OPTIONS"]
    return found


def test_without_options_there_are_ours() -> None:
    assert options(PG) == {"connect_timeout": 10, "pool": POOL}


def test_those_of_libpq_are_merged_with_ours() -> None:
    query = "sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=chat&options=-c%20statement_timeout%3D5s"

    assert options(f"{PG}?{query}&connect_timeout=3") == {
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ca.pem",
        "application_name": "chat",
        "options": "-c statement_timeout=5s",
        "connect_timeout": "3",
        "pool": POOL,
    }


def test_those_of_the_pool_win_over_ours() -> None:
    assert options(f"{PG}?pool_max_size=40&pool_timeout=2.5")["pool"] == {**POOL, "max_size": 40, "timeout": 2.5}


def test_the_address_itself_is_read_as_before() -> None:
    database = database_of("DATABASE_URL", "postgresql://u%40x:p%3Fw@db:5433/name?sslmode=require")

    assert [database[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == ["u@x", "p?w", "db", 5433, "name"]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (f"{PG}?sslmod=require", "its option sslmod is not known"),
        (f"{PG}?sslmode=", "its option sslmode is empty"),
        (f"{PG}?sslmode=disable&sslmode=verify-full", "its option sslmode is named twice"),
        (f"{PG}?pool_max_size=many", "pool_max_size is 'many', which is no number"),
        (f"{PG}?pool_max_size=0", "pool_max_size is 1 or more"),
        (f"{PG}?conn_max_age=60", "its option conn_max_age is not known"),
        (f"{PG}?password=geheim", "its option password is not known"),
        ("postgres://u:pa?ss@db/name", "write %3F for a question mark"),
        ("mysql://u:p@db/name", "write it as postgres://"),
        ("sqlite:////tmp/db.sqlite3?mode=ro", "its option mode is not known; known are timeout."),
    ],
)
def test_what_cannot_be_used_is_refused(address: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        options(address)

    assert why in str(refused.value)
    assert "ss@db" not in str(refused.value) and "geheim" not in str(refused.value)


# Redis


def test_tls_is_verified_by_celery_as_by_the_others() -> None:
    address = redis_address("REDIS_URL", "rediss://:p@cache:6380/1")

    assert (address.url, address.broker_url) == ("rediss://:p@cache:6380/1", "rediss://:p@cache:6380/1")
    assert address.broker_ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}


def test_its_options_reach_all(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()

    address = redis_address("REDIS_URL", f"rediss://cache/0?ssl_ca_certs={ca}&ssl_cert_reqs=CERT_NONE")

    assert address.url.endswith("&ssl_cert_reqs=none") and address.broker_url == "rediss://cache/0"
    assert address.broker_ssl == {
        "ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False, "ssl_ca_certs": str(ca),
    }  # fmt: skip


def test_a_plain_one_and_a_socket_have_none() -> None:
    plain, socket = redis_address("R", "redis://cache:6379/2"), redis_address("R", "unix:///run/redis.sock?db=3")

    assert plain.broker_ssl is None and plain.broker_url == "redis://cache:6379/2"
    assert socket.broker_url == "redis+socket:///run/redis.sock?virtual_host=3"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("cache:6379", "write it as redis://"),
        ("http://cache", "write it as redis://"),
        ("redis://cache:many/0", "cannot be read"),
        ("redis://cache/0?ssl_cert_reqs=required", "its option ssl_cert_reqs is not known"),
        ("rediss://cache/0?ssl_cert_reqs=perhaps", "must be one of required, none"),
        ("rediss://cache/0?ssl_check_hostname=no", "must be one of true, false"),
        ("rediss://cache/0?ssl_ca_certs=/nowhere.pem", "there is no file /nowhere.pem"),
        ("rediss://cache/0?max_connections=5", "its option max_connections is not known"),
    ],
)
def test_what_would_reach_some_clients_only_is_refused(address: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        redis_address("REDIS_URL", address)

    assert why in str(refused.value)
