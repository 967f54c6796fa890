"""What is made otherwise than it was planned is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import uuid4

import pytest

from streaming.telemetry import counters

from .conftest import Desk

OTHER_TIER = f"{counters.FALLBACK}:{counters.OTHER_TIER}"


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_new", Counter())


async def test_an_answer_by_another_tier_is_counted(desk: Desk) -> None:
    desk.servers.use([replace(desk.tier, slug=f"tier-{uuid4().hex}")])

    await desk.ask("count to 9")

    assert counters._new[OTHER_TIER] == 1


async def test_an_answer_by_its_own_tier_is_not(desk: Desk) -> None:
    await desk.ask("count to 9")

    assert counters._new[OTHER_TIER] == 0
