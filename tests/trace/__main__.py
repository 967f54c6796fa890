"""How many Python files, and functions, of ours one message goes through, one token, and one Stop:

    python -m tests.trace [--list]

Starts a site of its own, whose processes count their calls. What goes on by itself, such as heartbeats, is measured
first and left out.

- message: from the page's question to its first text. The path is shown, a worker takes the answer and asks a model
- token: from one text to a longer one; the functions that were called at least half as often as there were tokens
- stop: from the page's Stop to the terminal event there, with all text shown before. The title comes later
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import tests.settings  # noqa: F401 - the environment of all processes
from tests.harness.page import Page
from tests.harness.processes import ROOT
from tests.harness.site import Site

WORDS = 300
BY_ITSELF_S = 12.0  # of a site at rest: each task that is due regularly is seen
SETTLED_S = 1.0

Function = tuple[str, str]  # path, and name in it


class Tracer:
    """The periods that it counts have numbers from 1 on; what is called between them belongs to none."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._period = folder / "period"
        self._period.write_bytes(b"\0")
        self._numbers: dict[str, int] = {}
        hook = Path(__file__).with_name("hook")
        self.environment = {"TRACE_FOLDER": str(folder), "TRACE_ROOT": f"{ROOT}/", "PYTHONPATH": f"{hook}:{ROOT}"}

    @asynccontextmanager
    async def period(self, name: str) -> AsyncIterator[None]:
        """It begins when nothing goes on any more, and ends at once."""
        await asyncio.sleep(SETTLED_S)
        self._numbers[name] = len(self._numbers) + 1
        self._write(self._numbers[name])
        yield
        self._write(0)

    def calls(self, name: str) -> Counter[Function]:
        """Of all processes together, SETTLED_S after the last period."""
        found: Counter[Function] = Counter()
        for file in self.folder.glob("*.json"):
            for number, path, function, times in json.loads(file.read_text()):
                if number == self._numbers[name] and not path.startswith((".venv", "tests")):
                    found[path, function] += times
        return found

    def _write(self, number: int) -> None:
        with self._period.open("r+b") as file:
            file.write(bytes([number]))


async def trace(site: Site, tracer: Tracer) -> dict[str, set[Function]]:
    async with Page(site, "alice") as page:
        await page.send(f"count to {WORDS}")  # the first one of its kind opens connections, and fills what is kept
        await page.finish()
        async with tracer.period("rest"):
            await asyncio.sleep(BY_ITSELF_S)
        site.hold(2)
        async with tracer.period("message"):
            await page.send(f"count to {WORDS}")
            await page.until_text(2)
        async with tracer.period("token"):
            site.let_go()
            site.hold(WORDS // 2)
            await page.until_text(WORDS // 2)
        async with tracer.period("stop"):
            await page.stop()
            await page.finish()
    await asyncio.sleep(SETTLED_S)
    rest = set(tracer.calls("rest"))
    token = {function for function, times in tracer.calls("token").items() if times >= WORDS // 4}
    return {
        "message": set(tracer.calls("message")) - rest,
        "token": token,
        "stop": set(tracer.calls("stop")) - rest,
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="throughline-trace-") as folder:
        tracer = Tracer(Path(folder))
        site = Site(Path(folder), **tracer.environment).start()
        try:
            traced = asyncio.run(trace(site, tracer))
        finally:
            site.stop()
    for what, functions in traced.items():
        files = sorted({path for path, _ in functions})
        print(f"{what}: {len(files)} files, {len(functions)} functions")
        if "--list" in sys.argv:
            for path in files:
                print(f"  {path}: {', '.join(sorted(name for where, name in functions if where == path))}")


if __name__ == "__main__":
    main()
