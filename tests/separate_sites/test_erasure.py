"""An account that is deleted leaves none of its texts in the files of the site."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.harness.page import Page
from tests.harness.site import PASSWORD, PATIENCE_S, Site

WORD = "Quagmirestone"


def files_with(folder: Path, text: str) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(folder / "static")]
    return [path for path in files if text.encode() in path.read_bytes()]


async def test_a_deleted_account_leaves_no_text(caching_site: Site) -> None:
    site = caching_site
    site.shell(f"User.objects.create_user('erin', 'erin@example.com', '{PASSWORD}')")
    async with Page(site, "erin") as page:
        await page.send(f"Tell me about {WORD}")
        await page.finish()
    site.until(lambda html: WORD in html, "/sidebar/", "erin")  # by its title
    before = {path.name for path in files_with(site.folder, WORD)}

    site.shell("AccountDeletion.begin(User.objects.get(username='erin'))")

    assert any("appendonly" in name or ".aof" in name for name in before)
    assert not site.has_own_file or any("sqlite3" in name for name in before)
    until = time.monotonic() + PATIENCE_S
    while left := files_with(site.folder, WORD):
        assert time.monotonic() < until, left
        await asyncio.sleep(0.2)
