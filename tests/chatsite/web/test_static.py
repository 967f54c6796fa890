"""Static files, as browsers ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from chatsite.web.static import Application, with_static_files

HASHED = "app.0123456789ab.js"


async def page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "static"


@pytest.fixture
def site(root: Path) -> Application:
    return with_static_files(page)


async def get(site: Application, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await site({"type": "http", "path": path, "method": method, "headers": given}, None, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message["body"] for message in sent[1:])


async def test_a_file_that_was_collected_after_the_start_is_found(site: Application, root: Path) -> None:
    assert (await get(site, f"/static/{HASHED}"))[0] == 404

    (root / HASHED).write_text("new")

    status, headers, body = await get(site, f"/static/{HASHED}")
    assert (status, body) == (200, b"new")
    assert headers["cache-control"] == "max-age=315360000, public, immutable"
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_file_without_a_hash_is_looked_at_each_time(site: Application, root: Path) -> None:
    (root / "robots.txt").write_text("old")
    _, headers, _ = await get(site, "/static/robots.txt")
    (root / "robots.txt").write_text("newer")

    assert (await get(site, "/static/robots.txt"))[2] == b"newer"
    assert headers["cache-control"] == "max-age=60, public"


async def test_the_smallest_form_is_sent_that_the_browser_takes(site: Application, root: Path) -> None:
    for ending, text in {"": "long enough", ".gz": "gzipped", ".br": "br"}.items():
        (root / (HASHED + ending)).write_text(text)

    for accepted, body in {"": b"long enough", "gzip": b"gzipped", "gzip, br": b"br"}.items():
        _, headers, found = await get(site, f"/static/{HASHED}", accept_encoding=accepted)
        assert (found, headers["vary"]) == (body, "Accept-Encoding")


async def test_what_the_browser_has_is_not_sent_again(site: Application, root: Path) -> None:
    (root / HASHED).write_text("text")
    _, headers, _ = await get(site, f"/static/{HASHED}")

    assert (await get(site, f"/static/{HASHED}", if_none_match=headers["etag"]))[::2] == (304, b"")


async def test_a_large_file_is_sent_in_pieces(site: Application, root: Path) -> None:
    (root / HASHED).write_bytes(b"x" * 200_000)
    sizes: list[int] = []

    async def send(message: Any) -> None:
        sizes.append(len(message.get("body", b"")))

    await site({"type": "http", "path": f"/static/{HASHED}", "method": "GET", "headers": []}, None, send)

    assert sum(sizes) == 200_000
    assert max(sizes) <= 65_536


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/../secret.txt", "/static//etc/passwd", "/static/a\0b", "/static/" + "x" * 9000, "/other"],
)
async def test_anything_else_is_left_to_the_pages(root: Path, settings: Settings, path: str, debug: bool) -> None:
    settings.DEBUG = debug

    assert (await get(with_static_files(page), path))[2] == b"a page"


@pytest.mark.parametrize("path", ["/static/css/base/base.css", "/static/admin/css/base.css"])
async def test_while_one_works_on_them_files_are_served_from_where_they_are_written(
    root: Path, settings: Settings, path: str
) -> None:
    settings.DEBUG = True

    status, headers, _ = await get(with_static_files(page), path)

    assert (status, headers["cache-control"]) == (200, "max-age=0, public")


async def test_a_file_cannot_be_posted_to(site: Application, root: Path) -> None:
    (root / HASHED).write_text("text")

    status, headers, body = await get(site, f"/static/{HASHED}", "POST")

    assert (status, headers["allow"], body) == (405, "GET, HEAD", b"")
    assert (await get(site, f"/static/{HASHED}", "HEAD"))[::2] == (200, b"")
