"""A page without a browser: a socket, the events it heard, and the text that they fold to."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from tests.harness.site import Site

PATIENCE_S = 120.0
WATCH_AGAIN_S = 0.3

Event = dict[str, Any]


class Page:
    def __init__(
        self, site: Site, who: str, conversation: str = "new", cookie: str | None = None, port: int | None = None
    ):
        self.site = site
        self.port = port or site.port
        self.conversation = conversation
        self.text: dict[str, str] = {}  # by part
        self.positions: dict[str, str] = {}  # by generation
        self.blocks: dict[str, list[str]] = {}  # finished ones, by part
        self.events: list[Event] = []
        self.generation = ""
        self.message = ""
        self.is_stopping = False
        self._cookie = cookie or site.cookie(who)
        self._frames = 0

    async def __aenter__(self) -> Page:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        await self.socket.close()

    async def open(self) -> Page:
        """Connect, and hear the first frame."""
        self.socket: ClientConnection = await connect(
            f"ws://127.0.0.1:{self.port}/ws/chat/{self.conversation}/",
            additional_headers={"Cookie": f"sessionid={self._cookie}"},
            origin=f"http://127.0.0.1:{self.port}",  # type: ignore[arg-type]
            max_size=None,
            max_queue=None,  # a full one would keep the answer to its closing from being read
        )
        self._frames = 0
        self.hello = await self.hear()
        return self

    # What it does

    async def tell(self, type: str, **fields: Any) -> None:
        await self._transmit(json.dumps({"type": type, **fields}, default=str))

    async def send(self, text: str, id: UUID | None = None, **fields: Any) -> Event:
        """Ask; returns the change of the path."""
        await self.tell("message.send", id=id or uuid4(), text=text, **fields)
        return await self.path()

    async def click(self, type: str, **fields: Any) -> Event:
        """Regenerate, continue or retry the last answer."""
        await self.tell(type, id=uuid4(), message=self.message, **fields)
        return await self.path()

    async def stop(self) -> None:
        self.is_stopping = True
        await self.tell("answer.stop", generation=self.generation)

    async def watch(self) -> None:
        """As after a lost connection: tell what is there."""
        seen = {part: [units(text), len(self.blocks.get(part, []))] for part, text in self.text.items()}
        position = self.positions.get(self.generation, "")
        await self.tell("answer.watch", generation=self.generation, position=position, seen=seen)

    # What it hears

    async def hear(self) -> Event:
        """The next event, folded."""
        async with asyncio.timeout(PATIENCE_S):
            event: Event = json.loads(await self._receive())
        self._frames += 1
        if self._frames % 32 == 0:
            await self.tell("ack", frames=self._frames)
        self.events.append(event)
        self._fold(event)
        refused = event["type"] == "error" and event.get("request") == self.generation
        if event["type"] == "answer.resync" or (refused and not self.is_stopping):
            await self._watch_again(event)
        return event

    async def _watch_again(self, event: Event) -> None:
        """The log does not have it, or not yet: the page forgets what it has, and asks again."""
        if event["type"] == "answer.resync":
            self.text, self.blocks = {}, {}
            self.positions.pop(self.generation, None)
        await asyncio.sleep(WATCH_AGAIN_S)
        await self.watch()

    async def until(self, *types: str) -> Event:
        while True:
            event = await self.hear()
            if event["type"] in types:
                return event

    async def path(self) -> Event:
        return await self.until("path.changed", "error")

    async def finish(self) -> Event:
        return await self.until("answer.finished")

    async def until_text(self, length: int, part: str = "0.text") -> None:
        while len(self.text.get(part, "")) < length:
            await self.hear()

    async def close_code(self) -> int:
        """Waits for the server to close."""
        try:
            while True:
                await self.hear()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    @property
    def is_open(self) -> bool:
        return "socket" in vars(self) and self.socket.state is State.OPEN

    @property
    def answer(self) -> str:
        return self.text.get("0.text", "")

    @property
    def stages(self) -> dict[int, str]:
        """Where the stages stand, as the page was told."""
        return {event["stage"]: event["status"] for event in self.events if event["type"] == "answer.stage"}

    @property
    def phases(self) -> list[str]:
        """Of all answers that it saw."""
        return [event["phase"] for event in self.events if event["type"] == "answer.phase"]

    def stored(self, who: str = "alice") -> str:
        """The answer's first stage as the database has it."""
        return self.stored_parts(who).get("0.text", "")

    def stored_parts(self, who: str = "alice") -> dict[str, str]:
        """By name, from the export."""
        with self.site.visitor(who) as visitor:
            for conversation in visitor.get("/settings/export/json/").json():
                for message in conversation["messages"]:
                    if message["id"] == self.message:
                        return {f"{part['stage']}.{part['kind']}": part["text"] for part in message["parts"]}
        raise AssertionError("the message is not stored")

    async def _transmit(self, frame: str) -> None:
        await self.socket.send(frame)

    async def _receive(self) -> str | bytes:
        return await self.socket.recv()

    def _fold(self, event: Event) -> None:
        part = event.get("part", "")
        match event["type"]:
            case "path.changed":  # by this page, or another one; its last answer follows from the beginning
                self.conversation = event["conversation"]
                self.generation = event["generation"]
                self.message = event["messages"][-1]["id"]
                self.text, self.blocks = {}, {}
            case "text.delta":
                assert event["at"] == units(self.text.get(part, "")), "a hole, or text twice"
                self.text[part] = self.text.get(part, "") + event["text"]
            case "part.restarted":
                self.text[part], self.blocks[part] = "", []
            case "blocks.done":
                assert event["first"] == len(self.blocks.get(part, []))
                self.blocks.setdefault(part, []).extend(event["html"])
        if "position" in event:
            self.positions[event["generation"]] = event["position"]


def units(text: str) -> int:
    """Code units, as the protocol counts."""
    return len(text.encode("utf-16-le")) // 2
