"""Serves static files ahead of Django, looked up per request, so that files collected later are found, too.

WhiteNoise decides on the response: which compressed form, how long it may be cached, whether it is unchanged. Its
middleware is not used: it would make a thread wait for the event loop, for ever if that has stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from whitenoise.base import WhiteNoise
from whitenoise.responders import Response, StaticFile

from chatsite.failures import Application

HASHED = r"\.[0-9a-f]{12}\.\w+$"  # as chatsite/stores/static_files.py names files
KEPT_S = 60  # browsers cache files without a hash in the name this long
PIECE = 64 * 1024  # bytes


class StaticFiles(WhiteNoise):
    def __init__(self) -> None:
        kept_s = 0 if settings.DEBUG else KEPT_S
        super().__init__(None, autorefresh=True, max_age=kept_s, immutable_file_test=HASHED)
        self.prefix = f"/{settings.STATIC_URL.strip('/')}/"
        self.add_files(str(settings.STATIC_ROOT), self.prefix)
        self._unchanging: dict[str, StaticFile] = {}

    def find_file(self, url: str) -> StaticFile | None:
        """Returns None if there is no such file. Files with a hash in their name are looked up once."""
        if (known := self._unchanging.get(url)) is not None:
            return known
        found: StaticFile | None = super().find_file(url)
        if found is not None and not settings.DEBUG and self.immutable_file_test("", url):
            self._unchanging[url] = found
        return found

    def candidate_paths_for_url(self, url: str) -> Iterator[str]:
        if settings.DEBUG and (path := finders.find(url.removeprefix(self.prefix))):
            yield str(path)
        yield from super().candidate_paths_for_url(url)


def with_static_files(application: Application) -> Application:
    files = StaticFiles()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        found = files.find_file(path) if path.startswith(files.prefix) else None
        if found is None:
            await application(scope, receive, send)
        else:
            await respond(found.get_response(scope["method"], environment(scope)), send)

    return serve


def environment(scope: Any) -> dict[str, str]:
    """Returns the request's headers under their WSGI names."""
    return {
        f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value.decode("latin-1")
        for name, value in scope["headers"]
    }


async def respond(response: Response, send: Any) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    headers += [(b"x-content-type-options", b"nosniff")]
    if response.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers += [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
    if response.file is not None:
        with response.file as file:
            while piece := file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
