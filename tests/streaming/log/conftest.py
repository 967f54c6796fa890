"""A log writer at work, and a way to break its next write."""

from collections.abc import Callable

import pytest
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError


@pytest.fixture
def break_next_write(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """The connection breaks at the next write: before Redis got it, or after, with its answer."""
    execute = Pipeline.execute

    def break_it(redis_got_it: bool) -> None:
        async def broken(pipeline: Pipeline, raise_on_error: bool = True) -> list[object]:
            monkeypatch.setattr(Pipeline, "execute", execute)
            if redis_got_it:
                await execute(pipeline, raise_on_error)
            raise ConnectionError("cut by the test")

        monkeypatch.setattr(Pipeline, "execute", broken)

    return break_it
