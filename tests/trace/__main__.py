"""How many Python files, and functions, of ours one message goes through, one token, and one Stop:

    python -m tests.trace [--list]

Starts a site of its own, whose processes count their calls. What goes on by itself, such as heartbeats, is measured
first and left out; a token's are the functions that were called at least half as often as there were tokens.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
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
    def __init__(self, folder: Path):
        self.folder = folder
        hook = Path(__file__).with_name("hook")
        self.environment = {"TRACE_FOLDER": str(folder), "TRACE_ROOT": f"{ROOT}/", "PYTHONPATH": f"{hook}:{ROOT}"}

    async def begin(self, period: str) -> None:
        (self.folder / "period").write_text(period)
        await asyncio.sleep(SETTLED_S)

    def calls(self, period: str) -> Counter[Function]:
        """Of all processes together."""
        found: Counter[Function] = Counter()
        for file in self.folder.glob(f"{period}.*.json"):
            for path, name, number in json.loads(file.read_text()):
                if not path.startswith((".venv", "tests")):
                    found[path, name] += number
        return found


async def trace(site: Site, tracer: Tracer) -> dict[str, set[Function]]:
    async with Page(site, "alice") as page:
        await page.send(f"count to {WORDS}")  # the first one of its kind opens connections, and fills what is kept
        await page.finish()
        await tracer.begin("rest")
        await asyncio.sleep(BY_ITSELF_S)
        site.hold(2)
        await tracer.begin("message")
        await page.send(f"count to {WORDS}")
        await page.until_text(2)
        await tracer.begin("token")
        site.let_go()
        site.hold(WORDS // 2)
        await page.until_text(WORDS // 2)
        await tracer.begin("stop")
        await page.stop()
        await page.finish()
        await tracer.begin("end")
    rest = set(tracer.calls("rest"))
    token = {function for function, number in tracer.calls("token").items() if number >= WORDS // 4}
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
