"""A page that comes back by itself, as the real one does, and notes when it saw which length of text."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.harness.page import Event, Page
from tests.harness.site import Site

COME_BACK_S = 0.2
FINAL = ("done", "stopped", "failed")
GONE = "gone"  # the page was closed or reloaded


class Browser(Page):
    def __init__(self, site: Site, who: str, port: int, conversation: str = "new"):
        super().__init__(site, who, conversation, port=port)
        self.who = who
        self.wants_stop = False
        self.status = ""  # of the answer, when it has ended
        self.length = 0  # how far the model counts
        self.reads_again_at = 0.0  # until then it takes nothing from its socket
        self.grew: list[tuple[float, int]] = []  # when, and to which length
        self.taken_back = 0  # characters that were shown and were gone for a while

    def another_tab(self) -> Browser:
        """Of the same person, on the same answer."""
        tab = Browser(self.site, self.who, self.port, self.conversation)
        tab.generation, tab.message, tab.length = self.generation, self.message, self.length
        return tab

    async def leave(self) -> None:
        if self.is_open:
            await self.socket.close()

    async def keep_stopping(self) -> None:
        """Now, and again after each new connection."""
        self.wants_stop = True
        with suppress(ConnectionClosed):
            await self.stop()

    async def follow(self) -> None:
        """Until the answer's end, through whatever happens to the connection."""
        while not self.status:
            try:
                if not self.is_open:
                    await self.open()
                    await self.watch()
                    if self.wants_stop:
                        await self.stop()
                await asyncio.sleep(max(self.reads_again_at - time.monotonic(), 0))
                event = await self.hear()
                if event["type"] == "answer.finished":
                    self.status = self.status or event["status"]
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                await self.leave()
                await asyncio.sleep(COME_BACK_S)

    async def hear(self) -> Event:
        before = len(self.answer)
        event = await super().hear()
        if len(self.answer) > before:
            self.grew.append((time.monotonic(), len(self.answer)))
        self.taken_back += max(before - len(self.answer), 0)
        return event

    async def _watch_again(self, event: Event) -> None:
        """What has no log any more is in the database: the real page fetches it, too."""
        if event["type"] == "answer.resync" and (state := await self._state_of(event["url"])) in FINAL:
            self.text["0.text"] = await asyncio.to_thread(self.site.text_of, self.message)
            self.status = state
            return
        await super()._watch_again(event)

    async def _state_of(self, url: str) -> str:
        async with httpx.AsyncClient(base_url=self.site.url, trust_env=False, timeout=60) as client:
            page = await client.get(url, cookies={"sessionid": self._cookie})
        found = re.search(r'data-state="(\w+)"', page.text)
        return found[1] if found else ""
