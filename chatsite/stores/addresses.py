"""Parses DATABASE_URL and REDIS_URL. Each option in them reaches every client or stops the start: an option dropped
silently could be the one that asks for TLS.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

SQLITE, POSTGRESQL = "django.db.backends.sqlite3", "django.db.backends.postgresql"
SQLITE_OPTIONS = {"timeout": float}
POOL_OPTIONS = {  # as pool_max_size=… and so on
    "min_size": int, "max_size": int, "timeout": float, "max_waiting": int, "max_lifetime": float, "max_idle": float,
    "reconnect_timeout": float,
}  # fmt: skip
OF_THE_ADDRESS = {"user", "password", "dbname"}  # libpq options that are other parts of the address
REDIS_SCHEMES = ("redis", "rediss", "unix")
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
CERT_REQS = {"required": ssl.CERT_REQUIRED, "none": ssl.CERT_NONE}
YES_OR_NO = {"true": True, "false": False}


@dataclass(frozen=True)
class RedisAddress:
    url: str  # for redis-py and Channels
    broker_url: str  # for Celery
    broker_ssl: dict[str, Any] | None  # None: without TLS


# The database's


def database_options(var: str, engine: str, query: str) -> dict[str, Any]:
    """Returns the OPTIONS for SQLite or PostgreSQL. Raises ImproperlyConfigured for bad ones, and other engines."""
    options = options_of(var, query)
    if engine == SQLITE:
        return sqlite_options(var, options)
    if engine == POSTGRESQL:
        return postgresql_options(var, options)
    raise ImproperlyConfigured(
        f"{var} cannot be read: write it as postgres://user:password@host:5432/name, or as sqlite:////absolute/path."
    )


def sqlite_options(var: str, options: dict[str, str]) -> dict[str, Any]:
    return {name: number(var, name, value, known(var, name, SQLITE_OPTIONS)) for name, value in options.items()}


def postgresql_options(var: str, options: dict[str, str]) -> dict[str, Any]:
    """Returns libpq's options unchanged, and the pool's under ``pool``."""
    from psycopg import pq  # not installed where SQLite is used

    names = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - OF_THE_ADDRESS
    pooled = {f"pool_{name}": kind for name, kind in POOL_OPTIONS.items()}
    found: dict[str, Any] = {name: value for name, value in options.items() if name in names}
    pool = {
        name.removeprefix("pool_"): number(var, name, value, known(var, name, pooled, "libpq's, "))
        for name, value in options.items()
        if name not in names
    }
    return found | ({"pool": pool} if pool else {})


def with_defaults(database: dict[str, Any], timeout_s: float, pool: dict[str, Any]) -> dict[str, Any]:
    """Adds defaults for what the address does not set. Raises ImproperlyConfigured if the pool's sizes are invalid."""
    given = database.get("OPTIONS", {})
    pool = pool | given.get("pool", {})
    if not 0 <= pool["min_size"] <= pool["max_size"] or pool["max_size"] < 1:
        raise ImproperlyConfigured("DATABASE_URL: pool_max_size is 1 or more, and not below pool_min_size.")
    return {**database, "OPTIONS": {"connect_timeout": max(2, int(timeout_s)), **given, "pool": pool}}


# Redis'


def redis_address(var: str, address: str) -> RedisAddress:
    """Raises ImproperlyConfigured."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{var} cannot be read: {error}.") from error
    if parts.scheme not in REDIS_SCHEMES:
        raise ImproperlyConfigured(f"{var} cannot be read: write it as redis://host:6379/0, rediss://… or unix://….")
    if not re.fullmatch(r"/.+" if parts.scheme == "unix" else r"/?\d*", parts.path):
        what = "the path of a socket" if parts.scheme == "unix" else "a database by its number"
        raise ImproperlyConfigured(f"{var} cannot be read: what stands behind the host is {what}.")
    options, base = options_of(var, parts.query), address.partition("?")[0]
    if parts.scheme == "rediss":
        tls = tls_options(var, options)
        return RedisAddress(f"{base}?{urlencode(options)}" if options else base, base, tls)
    for name in options:
        known(var, name, {"db": int} if parts.scheme == "unix" else {})
    if parts.scheme == "redis":
        return RedisAddress(base, base, None)
    broker = base.replace("unix://", "redis+socket://", 1)
    if "db" in options:
        broker += f"?virtual_host={number(var, 'db', options['db'], int)}"
    return RedisAddress(address, broker, None)


def tls_options(var: str, options: dict[str, str]) -> dict[str, Any]:
    """Returns TLS options for Celery, verified unless the address says otherwise. Normalises ``options`` in place."""
    for name in options:
        known(var, name, dict.fromkeys(("ssl_cert_reqs", "ssl_check_hostname", *TLS_FILES)))
    if "ssl_cert_reqs" in options:  # Celery's documentation writes CERT_REQUIRED and CERT_NONE
        options["ssl_cert_reqs"] = options["ssl_cert_reqs"].lower().removeprefix("cert_")
    tls: dict[str, Any] = {
        "ssl_cert_reqs": CERT_REQS[one_of(var, options, "ssl_cert_reqs", CERT_REQS, "required")],
        "ssl_check_hostname": YES_OR_NO[one_of(var, options, "ssl_check_hostname", YES_OR_NO, "true")],
    }
    if tls["ssl_cert_reqs"] is ssl.CERT_NONE:
        tls["ssl_check_hostname"] = False
    for name in TLS_FILES:
        if name in options:
            tls[name] = options[name]
            if not Path(tls[name]).is_file():
                raise ImproperlyConfigured(f"{var}: there is no file {tls[name]}, which {name} names.")
    return tls


# Both


def options_of(var: str, query: str) -> dict[str, str]:
    """Raises ImproperlyConfigured if an option is empty, or named twice."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if not re.fullmatch(r"[a-z_]+", name):  # not quoted: it could be the rest of a password
            raise ImproperlyConfigured(
                f"{var}: an option cannot be read. In a password, write %3F for a question mark."
            )
        if not value or name in found:
            raise ImproperlyConfigured(f"{var}: its option {name} is {'named twice' if value else 'empty'}.")
        found[name] = value
    return found


def known(var: str, name: str, options: dict[str, Any], others: str = "") -> Any:
    if name not in options:
        these = f"; known are {others}{', '.join(sorted(options))}" if options else ""
        raise ImproperlyConfigured(f"{var}: its option {name} is not known{these}.")
    return options[name]


def number(var: str, name: str, value: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{var}: its option {name} is {value!r}, which is no number.") from error


def one_of(var: str, options: dict[str, str], name: str, choices: dict[str, Any], default: str) -> str:
    value = options.get(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{var}: its option {name} is {value!r}, and must be one of {', '.join(choices)}.")
    return value
