"""Sockets open to our own pages only: scheme, host and port of the Origin header must be the site's. Nor does a page of
one account get a socket of another."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http.request import split_domain_port, validate_host


def is_same_origin(scope: dict[str, Any]) -> bool:
    """Browsers always send an origin with a socket; a client that sends none is refused too."""
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    origin = urlsplit(headers.get(b"origin", ""))
    host = headers.get(b"host", "")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    if f"{origin.scheme}://{origin.netloc}" in settings.CSRF_TRUSTED_ORIGINS:
        return True
    return bool(origin.netloc == host) and origin.scheme == ("https" if settings.HTTPS else "http")


def is_page_of(user: AbstractBaseUser, scope: dict[str, Any]) -> bool:
    """False for a page that another account opened, before this one signed in to the same browser."""
    account = parse_qs(scope["query_string"].decode("latin1")).get("account")
    return account is None or account == [str(user.pk)]
