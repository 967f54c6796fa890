"""Reads the environment for settings.py. An invalid value stops the process with a sentence that names the variable."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from chatsite.stores.addresses import RedisAddress, database_options, redis_address
from conversations.catalog.addresses import RefusedAddress, host_of, normalise, parts_of

YES_OR_NO = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0"}
HOST = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)  # as in ALLOWED_HOSTS
ORIGIN = re.compile(rf"https?://((\*\.)?({HOST.pattern}))(:(?P<port>\d{{1,5}}))?", re.IGNORECASE)
MODEL_AT = re.compile(r"(?P<model>\S+)@(?P<url>https?://\S+)", re.IGNORECASE)  # a model's name may contain an @


class Environment(environ.Env):
    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}.") from error

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:
        # Otherwise a typo such as HTTPS=ture would mean false.
        if cast is bool and value.strip().lower() not in YES_OR_NO:
            raise ValueError(f"{value!r} is neither true nor false")
        found = super().parse_value(value, cast)  # type: ignore[no-untyped-call]
        if cast in (int, float) and not 0 <= found < math.inf:
            raise ValueError(f"{value!r} is out of range")
        return found

    def choice(self, var: str, default: str, choices: tuple[str, ...]) -> str:
        value: str = self.str(var, default)
        if value not in choices:
            raise ImproperlyConfigured(f"{var} is {value!r}, and must be one of {', '.join(choices)}.")
        return value

    def database(self, var: str, otherwise: dict[str, Any]) -> dict[str, Any]:
        address = self.str(var, "")
        return self.database_of(var, address) if address else otherwise

    @classmethod
    def database_of(cls, var: str, address: str) -> dict[str, Any]:
        """Returns Django's settings for the database; OPTIONS holds only what the address names."""
        base, _, query = address.partition("?")
        try:
            urlsplit(base)
            # An unknown engine warns here; database_options reports it better.
            with warnings.catch_warnings(action="ignore"):
                database: dict[str, Any] = cls.db_url_config(base)  # type: ignore[no-untyped-call]
        except ValueError:  # such as a port that is not a number, because something before it is not quoted
            database = {}
        return {**database, "OPTIONS": database_options(var, database.get("ENGINE", ""), query)}

    def mail(self, var: str, default: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.email_url(var, default)
        except (ImproperlyConfigured, ValueError) as error:  # such as a port that is not a number
            raise ImproperlyConfigured(f"{var}: write it as smtp+tls://user:password@host:587.") from error
        return found

    def time_zone(self, var: str, default: str) -> str:
        value: str = self.str(var, default)
        try:
            return ZoneInfo(value).key
        except (ValueError, LookupError, OSError) as error:  # OSError: a folder of zones, such as Europe
            raise ImproperlyConfigured(f"{var} is {value!r}; write it as Europe/Vienna, or UTC.") from error

    def redis(self, var: str, default: str) -> RedisAddress:
        return redis_address(var, self.str(var, "") or default)

    def hosts(self, var: str) -> list[str]:
        hosts: list[str] = self.list(var, default=[])
        if odd := [host for host in hosts if not HOST.fullmatch(host)]:
            raise ImproperlyConfigured(f"{var}: {odd[0]!r} is no host; write it as chat.example.com, without a port.")
        return hosts

    def origins(self, var: str) -> list[str]:
        origins = [origin.rstrip("/") for origin in self.list(var, default=[])]
        for origin in origins:
            found = ORIGIN.fullmatch(origin)
            if not found or int(found["port"] or 1) > 65535:
                raise ImproperlyConfigured(f"{var}: {origin!r} is no origin; write it as https://chat.example.com.")
        return origins

    def model_servers(self, var: str) -> list[str]:
        return [self._address(var, url, normalise) for url in self.list(var, default=[])]

    def collector(self, var: str) -> str:
        """Returns "" if the variable is not set."""
        url: str = self.str(var, "")
        if url:
            self._address(var, url, lambda url: host_of(parts_of(url)))
        return url

    @staticmethod
    def _address(var: str, url: str, read: Callable[[str], str]) -> str:
        try:
            return read(url)
        except RefusedAddress as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}") from error

    def model_at(self, var: str, default: str) -> tuple[str, str]:
        """Returns the model and its server's address; ("", "") if the variable is not set."""
        value = self.str(var, default).strip()
        if not value:
            return "", ""
        found = MODEL_AT.fullmatch(value)
        if not found:
            raise ImproperlyConfigured(f"{var} cannot be read: write it as model@http://host:port/v1.")
        return found["model"], self._address(var, found["url"], normalise)


def is_installed(package: str) -> bool:
    """Looks ``package`` up by its name on PyPI, without importing it."""
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
