"""The fault machine's short form: every fault once, two at a time. `make faults` is the long one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .machine.plan import paired_site, run_all, short_plan
from .machine.site import PairedSite

SEED = 20


@pytest.fixture
def breaking() -> Iterator[PairedSite]:
    with paired_site() as site:
        yield site


@pytest.mark.timeout(600)
async def test_no_character_is_lost_or_doubled_whatever_breaks(breaking: PairedSite) -> None:
    outcomes = await run_all(breaking, short_plan(SEED), SEED)

    assert [(outcome.faults, outcome.remarks) for outcome in outcomes if not outcome.is_well] == []
