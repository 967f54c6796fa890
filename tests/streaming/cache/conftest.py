"""A desk where people ask: answers in stages, as a worker makes them, from a demo model server that counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings
from redis.asyncio import Redis

from conversations.models.chat.message import ANSWER, PartKey, PartKind
from conversations.models.generation.errors import ErrorCode
from conversations.models.generation.plan import Plan, PlannedStage, StageResult, StageStatus
from streaming.cache.answers import Answers, Reuse
from streaming.cache.response_cache import ResponseCache
from streaming.demo.completion import Completion, Options
from streaming.demo.faults import Behaviour
from streaming.demo.server import DemoServer, serve
from streaming.log.fold import Folded
from streaming.log.handle import LogHandle
from streaming.log.records import Text
from streaming.log.writer import LogWriter
from streaming.model_servers import trial
from streaming.model_servers.pool import ModelServers
from streaming.model_servers.queue_lengths import Queues
from streaming.model_servers.vllm.client import http_client
from streaming.planning.prompts import Prompt
from streaming.planning.tiers import TierSpec, plain
from streaming.worker.stage.queue_position import WaitingRequests
from streaming.worker.stage.runner import StageRunner

ALICE, BOB = 1, 2
PATIENCE_S = 60.0
THINKING = PartKey(0, PartKind.THINKING)


class CountingServer(DemoServer):
    """Counts what answers ask for, not the trials of how it goes on from a text."""

    requests = 0

    def cached_tokens(self, completion: Completion) -> int:
        self.requests += completion.question != trial.QUESTION
        return super().cached_tokens(completion)


@dataclass
class Asked:
    """One question on its way."""

    runner: StageRunner
    handle: LogHandle
    running: asyncio.Task[ErrorCode | None]
    accepted_at: datetime

    @property
    def text(self) -> str:
        return self.handle.texts().get(ANSWER, "")

    @property
    def thinking(self) -> str:
        return self.handle.texts().get(THINKING, "")

    @property
    def outcome(self) -> StageResult:
        return self.runner.results[0]

    @property
    def ended(self) -> StageResult:
        """Also if it was stopped."""
        return self.runner.results_so_far(StageStatus.STOPPED)[0]

    async def end(self) -> ErrorCode | None:
        async with asyncio.timeout(PATIENCE_S):
            return await self.running

    async def until_text(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.text:
                await asyncio.sleep(0.01)


@dataclass
class Desk:
    models: list[CountingServer]
    servers: ModelServers
    writer: LogWriter
    reuse: Reuse
    tier: TierSpec
    waiting: WaitingRequests
    handles: list[LogHandle] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(model.requests for model in self.models)

    def rule(self, **changes: object) -> None:
        """Another rule, temperature or limit of the tier."""
        self.tier = replace(self.tier, **changes)  # type: ignore[arg-type]
        self.servers.use([self.tier])

    def begin(
        self,
        question: str,
        user: int = ALICE,
        *,
        fresh: bool = False,
        begun: str = "",
        earlier: StageResult | None = None,
    ) -> Asked:
        """``earlier`` is what an attempt before noted."""
        folded = Folded()
        if begun:
            folded.fold([("1-1", Text(ANSWER.stage, ANSWER.kind, 0, begun))])
        handle = self.writer.open(uuid4(), 1, folded, 0)
        self.handles.append(handle)
        stage = PlannedStage(0, "quick", "Answer", tier=self.tier.slug)
        answers = Answers(self.reuse, user, fresh)
        accepted, outcomes = timezone.now(), {0: earlier} if earlier else {}
        runner = StageRunner(self.servers, answers, handle, Plan((stage,)), accepted, outcomes, self.waiting)
        running = asyncio.create_task(runner.run(Prompt(({"role": "user", "content": question},))))
        return Asked(runner, handle, running, accepted)

    async def ask(self, question: str, user: int = ALICE, *, fresh: bool = False, begun: str = "") -> Asked:
        """To its end."""
        asked = self.begin(question, user, fresh=fresh, begun=begun)
        assert await asked.end() is None
        await self.settled()
        return asked

    async def settled(self) -> None:
        """What is over has been kept."""
        async with asyncio.timeout(PATIENCE_S):
            while self.reuse.requests.count:
                await asyncio.sleep(0.01)

    async def unanswered(self) -> None:
        """The model servers have nothing to do."""
        async with asyncio.timeout(PATIENCE_S):
            while any(model.metrics.running._value.get() for model in self.models):
                await asyncio.sleep(0.01)


@pytest.fixture
async def model_urls() -> AsyncIterator[list[tuple[CountingServer, str]]]:
    """Two servers that are as fast as they can."""
    serving, found = [], []
    for _ in range(2):
        server = CountingServer(Options(), Behaviour(ttft=0, rate=0))
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving.append(asyncio.create_task(serve(server, "127.0.0.1", 0, ready.set_result)))
        found.append((server, f"http://127.0.0.1:{await ready}/v1"))
    yield found
    for task in serving:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def desk(
    redis: Redis, writer: LogWriter, model_urls: list[tuple[CountingServer, str]], settings: Settings
) -> AsyncIterator[Desk]:
    """With a tier of its own at temperature 0, so that nothing of other tests is in its cache."""
    settings.RESPONSE_CACHE = True
    tier = plain(f"tier-{uuid4().hex}", 0, "demo", [url for _, url in model_urls])
    async with http_client() as http:
        servers = ModelServers(http, [tier])
        desk = Desk(
            [m for m, _ in model_urls],
            servers,
            writer,
            Reuse(http, ResponseCache(redis)),
            tier,
            WaitingRequests(Queues(redis, http)),
        )
        desk.rule(temperature=0.0)
        yield desk
        await desk.settled()
        for handle in desk.handles:  # the writer may be cancelled then
            await handle.flush()
