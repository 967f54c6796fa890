"""Sockets open to our own pages only: scheme, host and port of the Origin header must be the site's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
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
