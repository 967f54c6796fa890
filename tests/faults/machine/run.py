"""One run: some answers are written and watched, something breaks, and everything is compared."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from .browser import GONE, Browser
from .faults import FAULTS, Scene
from .proxy import Proxy
from .site import PairedSite

ANSWERS = 3
PEOPLE = ("alice", "bob", "otto")
STUCK_S = 60.0


@dataclass
class Outcome:
    faults: list[str]
    lost: int = 0  # characters that somebody lacks at the end
    doubled: int = 0  # that somebody has twice, or that are not the model's
    stuck: int = 0  # pages that heard of no end, or of a wrong one
    taken_back: int = 0  # characters that were shown, were gone, and came again
    recovered_after: list[float] = field(default_factory=list)  # seconds from the fault to the next text on each page
    remarks: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.doubled or self.stuck)


async def run(site: PairedSite, faults: list[str], seed: int) -> Outcome:
    chance = random.Random(seed)
    proxy = await Proxy(site.port).start()
    for number in range(len(site.models)):
        await asyncio.to_thread(site.break_model, number)  # as usual again
    askers = [Browser(site, PEOPLE[n % len(PEOPLE)], proxy.port) for n in range(ANSWERS)]
    outcome = Outcome(faults)
    for asker in askers:
        asker.length = chance.randint(150, 500)
        await asker.open()
        await asker.send(f"count to {asker.length}")
    scene = Scene(site, proxy, chance, askers, [*askers, *(asker.another_tab() for asker in askers)])
    following = {browser: asyncio.create_task(browser.follow()) for browser in scene.browsers}
    moments = []
    for name in faults:
        await asyncio.sleep(chance.uniform(0.0, 1.5))
        moments.append(time.monotonic())
        await FAULTS[name](scene)
        following |= {tab: asyncio.create_task(tab.follow()) for tab in scene.new_tabs}
        scene.browsers += scene.new_tabs
        scene.new_tabs.clear()
    _, unfinished = await asyncio.wait(following.values(), timeout=STUCK_S)
    for task in unfinished:
        task.cancel()
    for browser, task in following.items():
        (error,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(error, Exception):
            outcome.doubled += 1
            outcome.remarks.append(f"{browser.generation}: {error!r}")
        if browser.status != GONE:
            await compare(browser, scene.stopped, outcome)
            outcome.recovered_after += recovery(browser, moments)
        await browser.leave()
    await proxy.stop()
    return outcome


async def compare(browser: Browser, stopped: bool, outcome: Outcome) -> None:
    """What the page shows, what the database has, and what the model said, are one text."""
    whole = "".join(f"{n} " for n in range(1, browser.length + 1))
    stored = await asyncio.to_thread(browser.site.text_of, browser.message)
    expected = whole if browser.status == "done" else stored
    if browser.status not in (("done", "stopped") if stopped else ("done",)):
        outcome.stuck += 1
        outcome.remarks.append(f"{browser.generation}: {browser.status or 'no end'}, {len(browser.answer)} characters")
    for name, text in (("page", browser.answer), ("database", stored)):
        if text != expected or not whole.startswith(text):
            outcome.lost += max(len(expected) - len(text), 0)
            outcome.doubled += max(len(text) - len(expected), 0) or int(not whole.startswith(text))
            outcome.remarks.append(f"{browser.generation}: {name} has {text[-60:]!r}, expected {expected[-60:]!r}")
    outcome.taken_back += browser.taken_back


def recovery(browser: Browser, moments: list[float]) -> list[float]:
    """From each fault to the next new text on the page, if any was to come; seconds."""
    known = 0
    found = []
    for moment in moments:
        known = max((length for at, length in browser.grew if at <= moment), default=known)
        newer = [at for at, length in browser.grew if at > moment and length > known]
        found += [newer[0] - moment] if newer else []
    return found
