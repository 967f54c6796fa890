"""The chat page names its modules, so that the browser need not read one to find the next."""

import re

from tests.processes import ROOT

IMPORT = re.compile(r'^(?:import|export) .*"\./(.+?)";$', re.MULTILINE)


def test_the_page_asks_for_all_of_its_modules_at_once() -> None:
    needed, waiting = set(), ["app.js"]
    while waiting:
        found = set(IMPORT.findall((ROOT / "static/js" / waiting.pop()).read_text())) - needed
        needed |= found
        waiting += found

    head = (ROOT / "templates/chat/_head.html").read_text()

    assert sorted(needed) == re.findall(r"modulepreload.*'js/(.+?)'", head)
