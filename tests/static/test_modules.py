"""The chat page names its modules, so that the browser need not read one to find the next."""

import re
from pathlib import Path

from tests.processes import ROOT

MODULES = ROOT / "static/js"
IMPORT = re.compile(r'^(?:import|export) .*"(\.{1,2}/.+?)";$', re.MULTILINE)


def imports(module: Path) -> set[Path]:
    return {(module.parent / path).resolve() for path in IMPORT.findall(module.read_text())}


def test_the_page_asks_for_all_of_its_modules_at_once() -> None:
    needed: set[Path] = set()
    waiting = [MODULES / "chat/app.js"]
    while waiting:
        found = imports(waiting.pop()) - needed
        needed |= found
        waiting += found

    head = (ROOT / "templates/chat/_head.html").read_text()

    assert sorted(str(module.relative_to(MODULES)) for module in needed) == re.findall(
        r"modulepreload.*'js/(.+?)'", head
    )
