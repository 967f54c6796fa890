"""The heart in one process: a model server inside the test, workers, a web process's sockets; Redis and database are
real. A test holds the model server at a word, and lets it go on: nothing depends on how fast the machine is."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import httpx
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from conversations.models import Generation, Message
from conversations.models.chat.message import PartKey
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan, PlannedStage
from streaming.cache.answers import Reuse
from streaming.cache.response_cache import ResponseCache
from streaming.coordination.database import in_database
from streaming.coordination.redis_clients import Connections, command_client
from streaming.log import stream_log
from streaming.log.fold import Folded
from streaming.log.records import AnyRecord
from streaming.log.stream_log import Entry
from streaming.log.writer import LogWriter
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.queue_lengths import Queues
from streaming.worker.attempt import Attempt, Interruption, WorkerContext
from streaming.worker.stage.queue_position import WaitingRequests
from tests.conversations.talk import begin
from tests.harness.page import Page as StackPage

PATIENCE_S = 60.0  # no test waits for so long, unless it fails
WORDS = tuple(f"{n} " for n in range(1, 13))
WHOLE = "".join(WORDS)
BEFORE_HEADERS = -1

# The model server


class Moment(asyncio.Event):
    """A test waits for it in vain where the attempt was left to the next one: a loaded machine may be too slow for the
    time-outs of Redis or of the database."""

    async def wait(self) -> Literal[True]:
        async with asyncio.timeout(PATIENCE_S):
            return await super().wait()


@dataclass
class Reply:
    """What the model server does with one request. It goes on with a text that is a beginning of its own."""

    words: tuple[str, ...] = WORDS
    hold_at: int | None = None  # words; then it waits for ``go_on``. BEFORE_HEADERS: it says nothing at all
    thinking: tuple[str, ...] = ()
    turns: int = 0  # of the loop, before each word
    status: int = 200
    fault: Exception | None = None  # instead of the end
    raises: Exception | None = None  # our own code fails, while it reads
    question: dict[str, Any] = field(default_factory=dict)  # the request's body, when it has come
    said: asyncio.Event = field(default_factory=Moment)  # it is held, or has said everything
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)  # by who asked
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def go_on(self) -> None:
        self._released.set()

    @property
    def begun(self) -> str:
        """The text that it was given to go on with."""
        last = self.question["messages"][-1]
        return str(last["content"]) if self.question.get("continue_final_message") else ""

    async def chunks(self) -> AsyncIterator[bytes]:
        text = "".join(self.words)
        assert text.startswith(self.begun)
        length = 0
        for number, word in enumerate((*self.thinking, *self.words)):
            if number == self.hold_at:
                await self.hold()
            for _ in range(self.turns):
                await asyncio.sleep(0)
            is_thought = number < len(self.thinking)
            length += 0 if is_thought else len(word)
            if is_thought or length > len(self.begun):
                yield chunk({"reasoning" if is_thought else "content": word})
        if self.hold_at is not None and self.hold_at >= len(self.thinking) + len(self.words):
            await self.hold()
        self.said.set()
        if self.raises:
            raise self.raises
        if self.fault:
            raise self.fault
        yield chunk({}, "stop")
        yield b"data: [DONE]\n\n"

    async def hold(self) -> None:
        self.said.set()
        await self._released.wait()


class Body(httpx.AsyncByteStream):
    """Closed from outside, it ends the reader's loop with an error, as a connection does."""

    def __init__(self, reply: Reply):
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._reply.chunks())
        while True:
            coming = asyncio.ensure_future(anext(chunks, None))
            closing = asyncio.ensure_future(self._reply.hung_up.wait())
            try:
                await asyncio.wait({coming, closing}, return_when=asyncio.FIRST_COMPLETED)
                if closing.done():
                    raise httpx.ReadError("closed")
                if (data := coming.result()) is None:
                    return
            finally:
                for task in (coming, closing):
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task
            yield data

    async def aclose(self) -> None:
        self._reply.hung_up.set()


class Model(httpx.AsyncBaseTransport):
    """Answers each request with the next of ``replies``, else with the usual one."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.asked: list[Reply] = []

    def will(self, **manner: Any) -> Reply:
        """Behave like this for one request."""
        self.replies.append(Reply(**manner))
        return self.replies[-1]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": [{"id": "model"}]})
        if request.headers["x-request-id"].startswith("trial"):  # whether it goes on with a text: it does
            return streamed(Reply((",",), question={"messages": [{}]}))
        reply = self.replies.popleft() if self.replies else Reply()
        self.asked.append(reply)
        reply.question = json.loads(request.content)
        if reply.hold_at == BEFORE_HEADERS:
            try:
                await reply.hold()
            except asyncio.CancelledError:
                reply.hung_up.set()
                raise
        if reply.status != 200:
            return httpx.Response(reply.status, json={"error": {"message": "told to fail", "code": reply.status}})
        return streamed(reply)


def streamed(reply: Reply) -> httpx.Response:
    body = Body(reply)
    headers = {"Content-Type": "text/event-stream"}
    return httpx.Response(200, headers=headers, stream=body, extensions={"network_stream": body})


def chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


# Workers


class Worker:
    """A worker process: takes generations, is told to stop them, hands them over, or dies."""

    def __init__(self, model: Model, name: str):
        self._connections = Connections()
        self._clients = [command_client(), command_client(self._connections)]
        redis, writing = self._clients
        http = httpx.AsyncClient(transport=model)
        writer = LogWriter(writing, self._connections)
        waiting = WaitingRequests(Queues(redis, http))
        reuse = Reuse(http, ResponseCache(redis))
        self.tools = WorkerContext(redis, writer, ModelServers(http), reuse, waiting, name)
        self._tasks: list[asyncio.Task[Any]] = [asyncio.create_task(writer.run())]
        self._attempts: dict[UUID, Attempt] = {}

    def take(self, generation: Generation) -> asyncio.Task[Status | None]:
        """The task's result: how it ended, or None if that is another process' to tell."""
        attempt = self._attempts[generation.pk] = Attempt(generation.pk, self.tools)
        task = asyncio.create_task(attempt.run())
        self._tasks.append(task)
        return task

    async def stop(self, generation: Generation) -> None:
        await self._attempts[generation.pk].interrupt(Interruption.STOP)

    async def hand_over(self, generation: Generation) -> None:
        await self._attempts[generation.pk].interrupt(Interruption.HAND_OVER)

    async def lose(self, generation: Generation) -> None:
        """Its lease is another process' by now."""
        await self._attempts[generation.pk].interrupt(Interruption.LOST)

    async def save(self, generation: Generation) -> None:
        """As every two seconds."""
        from conversations.models.generation.partial import save_partials

        attempt = self._attempts[generation.pk]
        assert attempt.answer
        verdicts = await in_database(save_partials, [attempt.answer.partial()])
        await attempt.obey(verdicts[generation.pk])

    async def die(self) -> None:
        """As `kill -9` does: nothing is written any more."""
        await end(*self._tasks)
        for client in self._clients:
            await client.aclose()
        await self.tools.servers.http.aclose()


# What is asked, stored and logged


def ask(owner: User, *stages: PlannedStage, question: str = "count") -> Generation:
    """A queued answer, of one stage unless others are given. In a thread."""
    generation = begin(owner, question)
    generation.plan = Plan(stages or (stage(0),)).as_json()
    generation.save(update_fields=["plan"])
    return generation


def stage(number: int, **fields: Any) -> PlannedStage:
    return PlannedStage(number, f"stage{number}", f"Stage {number}", **fields)


async def row(generation: Generation) -> Generation:
    return await in_database(Generation.objects.select_related("message").get, pk=generation.pk)


async def texts(generation: Generation) -> dict[str, str]:
    """As the database has them, by the parts' names."""

    def read() -> dict[str, str]:
        found: dict[PartKey, str] = Message.objects.get(pk=generation.message_id).texts()
        return {key.name: text for key, text in found.items()}

    return await in_database(read)


async def entries(generation: Generation) -> list[Entry]:
    client = command_client()
    try:
        return await stream_log.read(client, generation.pk)
    finally:
        await client.aclose()


async def records(generation: Generation) -> list[AnyRecord]:
    return [record for _, record in await entries(generation)]


def folded_from(entries: Iterable[Entry]) -> Folded:
    """Raises HoleInLog."""
    folded = Folded()
    folded.fold(entries)
    return folded


async def logged(generation: Generation) -> dict[str, str]:
    """What the log folds to, by the parts' names."""
    folded = folded_from(await entries(generation))
    return {key.name: text for key, text in folded.texts.items() if text}


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them, again where a cancellation was forgotten: redis-py writes by `asyncio.wait_for`, which before Python
    3.12 forgets one that comes as it ends. Their errors are told to nobody."""
    while open_tasks := [task for task in tasks if not task.done()]:
        for task in open_tasks:
            task.cancel()
        await asyncio.wait(open_tasks, timeout=0.1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def turns(count: int) -> None:
    """Let the others work."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], Any]) -> None:
    """For what tells nobody when it happens: in-process, so each round lets the others work."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


# Pages


Pause = Callable[[], Awaitable[object]]


class Page(StackPage):
    """A chat page on a socket of this very process. ``pause`` is awaited before each frame that it is sent."""

    def __init__(self, owner: User, conversation: str = "new", pause: Pause | None = None):
        self._pause = pause
        client = Client()
        client.force_login(owner)
        self._session = client.cookies["sessionid"].value
        super().__init__(None, owner.username, conversation, cookie=self._session, port=80)  # type: ignore[arg-type]

    async def open(self) -> Page:
        headers = [(b"cookie", f"sessionid={self._session}".encode()), (b"origin", b"http://testserver")]
        headers.append((b"host", b"testserver"))
        path = f"/ws/chat/{self.conversation}/"
        self.wire = WebsocketCommunicator(self._application, path, headers=headers)
        accepted, _ = await self.wire.connect(PATIENCE_S)
        assert accepted
        self._frames = 0
        self.hello = await self.hear()
        return self

    async def leave(self) -> None:
        if not self.wire.future.done():
            await self.wire.disconnect()

    async def refused_with(self) -> int:
        """The code with which the socket is closed as soon as it is opened."""
        headers = [(b"cookie", f"sessionid={self._session}".encode()), (b"host", b"testserver")]
        headers.append((b"origin", b"http://testserver"))
        self.wire = WebsocketCommunicator(self._application, f"/ws/chat/{self.conversation}/", headers=headers)
        await self.wire.connect(PATIENCE_S)
        closed = await self.wire.receive_output(PATIENCE_S)
        await self.wire.wait()
        return int(closed["code"])

    async def vanish(self) -> None:
        """The server cancels its application, which is told nothing."""
        await end(self.wire.future)

    async def watch_from(self, generation: Generation) -> None:
        """All there is of this answer, from its beginning."""
        self.generation, self.message = str(generation.pk), str(generation.message_id)
        self.text, self.blocks = {}, {}
        await self.watch()

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        from chatsite.asgi import application

        async def send_late(message: Any) -> None:
            if self._pause:
                await self._pause()
            await send(message)

        await application(scope, receive, send_late)

    async def _transmit(self, frame: str) -> None:
        await self.wire.send_to(text_data=frame)

    async def _receive(self) -> str | bytes:
        return await self.wire.receive_from(timeout=PATIENCE_S)
