"""What can be broken, and how it is mended again, as a process manager would."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from redis.asyncio import Redis

from tests.harness.processes import Process
from tests.harness.site import Site

from .browser import GONE, Browser
from .proxy import Proxy
from .site import PairedSite


@dataclass
class Scene:
    """What runs, and who watches."""

    site: PairedSite
    proxy: Proxy
    random: random.Random
    askers: list[Browser]
    browsers: list[Browser]
    new_tabs: list[Browser] = field(default_factory=list)
    stopped: bool = False  # the answers were asked to stop

    async def replace_worker(self, number: signal.Signals) -> None:
        index = self.random.randrange(len(self.site.workers))
        await end(self.site.workers[index], number)
        await self.manager_waits()
        await asyncio.to_thread(start_again, self.site.workers[index])

    def some_browser(self) -> Browser:
        return self.random.choice([browser for browser in self.browsers if browser.status != GONE])

    async def manager_waits(self) -> None:
        """The process manager takes a moment to see that a process has ended."""
        await asyncio.sleep(self.random.uniform(0.05, 1.0))


Fault = Callable[[Scene], Awaitable[None]]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return register


async def end(process: Process, number: signal.Signals) -> None:
    process.send(number)
    await asyncio.to_thread(wait, process)


def wait(process: Process) -> None:
    assert process.popen is not None
    process.popen.wait(20)


def start_again(process: Process) -> None:
    ready = process.output().count("ready.")
    process.start()
    if process.name != "beat":
        process.wait_until(lambda: process.output().count("ready.") > ready)


async def sleep_and_wake(scene: Scene, process: Process, shortest: float, longest: float) -> None:
    process.send(signal.SIGSTOP)
    await asyncio.sleep(scene.random.uniform(shortest, longest))
    process.send(signal.SIGCONT)


@fault("worker: kill -9")
async def kill_worker(scene: Scene) -> None:
    await scene.replace_worker(signal.SIGKILL)


@fault("worker: SIGTERM")
async def end_worker(scene: Scene) -> None:
    await scene.replace_worker(signal.SIGTERM)


@fault("worker: sleeps 1 to 9 s")
async def pause_worker(scene: Scene) -> None:
    await sleep_and_wake(scene, scene.random.choice(scene.site.workers), 1, 9)


@fault("both workers and beat: kill -9")
async def kill_workers_and_beat(scene: Scene) -> None:
    victims = [scene.site.beat, *scene.site.workers]
    for process in victims:
        await end(process, signal.SIGKILL)
    await scene.manager_waits()
    for process in victims:
        await asyncio.to_thread(start_again, process)


@fault("beat: kill -9")
async def kill_beat(scene: Scene) -> None:
    await end(scene.site.beat, signal.SIGKILL)
    await scene.manager_waits()
    await asyncio.to_thread(start_again, scene.site.beat)


@fault("web: kill -9")
async def kill_web(scene: Scene) -> None:
    await end(scene.site.web, signal.SIGKILL)
    await scene.manager_waits()
    scene.site.web = await asyncio.to_thread(scene.site.start_web)


@fault("web: SIGTERM")
async def end_web(scene: Scene) -> None:
    await end(scene.site.web, signal.SIGTERM)
    await scene.manager_waits()
    scene.site.web = await asyncio.to_thread(scene.site.start_web)


@fault("web: sleeps 1 to 4 s")
async def pause_web(scene: Scene) -> None:
    await sleep_and_wake(scene, scene.site.web, 1, 4)


@fault("Redis: kill -9, keeps its data")
async def kill_redis(scene: Scene) -> None:
    await end(scene.site.redis, signal.SIGKILL)
    await scene.manager_waits()
    scene.site.redis = await asyncio.to_thread(scene.site.start_redis)


@fault("Redis: loses all its data")
async def wipe_redis(scene: Scene) -> None:
    async with Redis.from_url(scene.site.env["REDIS_URL"]) as inside:
        await inside.flushall()
    await kill_redis(scene)


@fault("Redis: sleeps 1 to 7 s")
async def pause_redis(scene: Scene) -> None:
    await sleep_and_wake(scene, scene.site.redis, 1, 7)


@fault("Redis: connections cut")
async def cut_redis(scene: Scene) -> None:
    async with Redis.from_url(scene.site.env["REDIS_URL"]) as inside:
        for kind in ("normal", "pubsub"):
            await inside.client_kill_filter(_type=kind, skipme=True)


@fault("database: locked 1 to 4 s")
async def lock_database(scene: Scene) -> None:
    await asyncio.to_thread(hold_lock, scene.site, scene.random.uniform(1, 4))


def hold_lock(site: Site, seconds: float) -> None:
    with closing(sqlite3.connect(site.database, timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        other.execute("ROLLBACK")


@fault("model server: kill -9")
async def kill_model(scene: Scene) -> None:
    number = scene.random.randrange(len(scene.site.models))
    await end(scene.site.models[number], signal.SIGKILL)
    await scene.manager_waits()
    scene.site.models[number] = await asyncio.to_thread(scene.site.start_model, number)


@fault("model server: sleeps 1 to 6 s")
async def pause_model(scene: Scene) -> None:
    await sleep_and_wake(scene, scene.random.choice(scene.site.models), 1, 6)


async def go_on_at_odd_servers(scene: Scene, **behaviour: object) -> None:
    """From now on all model servers are so, and somebody has to go on with the answers there."""
    for number in range(len(scene.site.models)):
        await asyncio.to_thread(partial(scene.site.break_model, number, **behaviour))
    if scene.random.random() < 0.5:
        await scene.replace_worker(signal.SIGKILL)
        return
    number = scene.random.randrange(len(scene.site.models))
    await end(scene.site.models[number], signal.SIGKILL)  # the other one goes on; this one comes back as usual
    await scene.manager_waits()
    scene.site.models[number] = await asyncio.to_thread(scene.site.start_model, number)


@fault("odd servers: ignore what they are to continue")
async def ignore_beginnings(scene: Scene) -> None:
    await go_on_at_odd_servers(scene, continuing="anew")


@fault("odd servers: repeat what they are to continue")
async def repeat_beginnings(scene: Scene) -> None:
    await go_on_at_odd_servers(scene, continuing="repeats")


@fault("odd servers: refuse to continue")
async def refuse_beginnings(scene: Scene) -> None:
    await go_on_at_odd_servers(scene, continuing="refuses")


@fault("odd servers: send figures that cannot be")
async def send_odd_figures(scene: Scene) -> None:
    await go_on_at_odd_servers(scene, odd_figures=True)


@fault("network: all pages cut off")
async def cut_network(scene: Scene) -> None:
    scene.proxy.cut()


@fault("page: reload")
async def reload_page(scene: Scene) -> None:
    browser = scene.some_browser()
    scene.new_tabs.append(browser.another_tab())
    browser.status = GONE
    await browser.leave()


@fault("page: another tab")
async def open_tab(scene: Scene) -> None:
    scene.new_tabs.append(scene.some_browser().another_tab())


@fault("page: reads nothing for 2 to 6 s")
async def stop_reading(scene: Scene) -> None:
    scene.some_browser().reads_again_at = time.monotonic() + scene.random.uniform(2, 6)


@fault("stop, while a worker is replaced")
async def stop_in_takeover(scene: Scene) -> None:
    scene.stopped = True
    for process in scene.site.workers:
        await end(process, signal.SIGKILL)
    await asyncio.sleep(scene.random.uniform(0, 3))
    for browser in scene.askers:
        await browser.keep_stopping()
    for process in scene.site.workers:
        await asyncio.to_thread(start_again, process)
