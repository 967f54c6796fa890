"""The database is locked, or gone: nothing accepted is lost, what is refused stays in the composer, ends are stored."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.harness.page import Page
from tests.harness.processes import Process, free_port, postgres_process
from tests.harness.site import Site

LOCK_TIMEOUT_S = 1  # of the site's waiting
CONNECTION_TIMEOUT_S = 3  # all threads reconnect at once, one after the other; on a busy machine that takes a second
REST_S = 1.0


@pytest.fixture(scope="module")
def impatient() -> Iterator[Site]:
    """A site on SQLite."""
    with tempfile.TemporaryDirectory(prefix="throughline-impatient-") as folder:
        site = Site(
            Path(folder), DATABASE_URL=f"sqlite:///{folder}/site.sqlite3", DATABASE_TIMEOUT_S=str(LOCK_TIMEOUT_S)
        )
        yield site.start()
        site.stop()


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Somebody else writes, and takes their time."""
    with closing(sqlite3.connect(site.folder / "site.sqlite3", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def refused_end(site: Site) -> None:
    """The worker has tried to store the answer's end, in vain."""
    told = "database retry in"
    before = site.worker.output().count(told)
    while site.worker.output().count(told) == before:
        await asyncio.sleep(0.05)


async def test_a_question_that_cannot_be_stored_is_refused_and_can_be_sent_again(impatient: Site) -> None:
    async with Page(impatient, "alice") as page:
        with locked(impatient):
            refused = await page.send("count to 9")
        accepted = await page.send("count to 9")
        await page.finish()

    assert (refused["type"], refused["code"]) == ("error", "unavailable")
    assert accepted["type"] == "path.changed"
    assert page.answer == page.stored() == "1 2 3 4 5 6 7 8 9 "


async def test_text_goes_on_while_the_database_is_locked(impatient: Site) -> None:
    async with Page(impatient, "alice") as page:
        impatient.hold(60)
        await page.send("count to 400")
        await page.until_text(100)
        with locked(impatient):
            impatient.let_go()
            await page.until_text(800)
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == "".join(f"{n} " for n in range(1, 401))


async def test_the_end_waits_until_it_can_be_stored(impatient: Site) -> None:
    async with Page(impatient, "alice") as page:
        impatient.hold(50)
        await page.send("count to 60")
        await page.until_text(100)
        with locked(impatient):
            impatient.let_go()
            await refused_end(impatient)
            assert "answer.finished" not in {event["type"] for event in page.events}
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == "".join(f"{n} " for n in range(1, 61))


async def test_a_stop_that_cannot_be_stored_is_refused(impatient: Site) -> None:
    async with Page(impatient, "alice") as page:
        with impatient.held(60):
            await page.send("count to 2000")
            await page.until_text(100)
            with locked(impatient):
                await page.stop()
                refused = await page.until("error")
            await page.stop()
            ended = await page.finish()

    assert refused["code"] == "unavailable"
    assert ended["status"] == "stopped"
    assert page.answer == page.stored()


class Postgres:
    def __init__(self, folder: Path):
        self.port = free_port()
        self.url = f"postgres://throughline@127.0.0.1:{self.port}/throughline"
        self.process: Process = postgres_process(folder, self.port)

    def restart(self) -> None:
        """Until it lets somebody in: after a kill it has to recover first."""
        self.process.start().wait_until(self.answers)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="throughline-postgres-") as folder:
        postgres = Postgres(Path(folder))
        yield postgres
        postgres.process.stop()


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="throughline-on-postgres-") as folder:
        site = Site(Path(folder), DATABASE_URL=postgres.url, DATABASE_TIMEOUT_S=str(CONNECTION_TIMEOUT_S)).start()
        yield site
        site.stop()


@pytest.fixture
async def page(on_postgres: Site) -> AsyncIterator[Page]:
    """In mid-answer, which goes on when it is let go."""
    async with Page(on_postgres, "alice") as page:
        with on_postgres.held(60):
            await page.send("count to 300")
            await page.until_text(100)
            yield page


async def test_postgresql_is_gone_in_the_middle_of_an_answer(postgres: Postgres, page: Page) -> None:
    postgres.process.kill()
    page.site.let_go()
    await page.until_text(400)
    postgres.restart()

    ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == "".join(f"{n} " for n in range(1, 301))


async def test_postgresql_is_gone_at_the_end(postgres: Postgres, page: Page) -> None:
    postgres.process.kill()
    page.site.let_go()
    await page.until_text(len("".join(f"{n} " for n in range(1, 301))))
    await refused_end(page.site)
    postgres.restart()

    ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == "".join(f"{n} " for n in range(1, 301))


async def test_without_postgresql_a_question_is_refused_and_the_socket_lives(
    on_postgres: Site, postgres: Postgres
) -> None:
    async with Page(on_postgres, "alice") as page:
        postgres.process.kill()
        refused = await page.send("count to 9")
        postgres.restart()
        while (await page.send("count to 9"))["type"] == "error":  # it recovers
            await asyncio.sleep(0.2)
        await page.finish()

    assert refused["code"] == "unavailable"
    assert page.answer == page.stored() == "1 2 3 4 5 6 7 8 9 "


async def test_after_a_restart_of_postgresql_the_next_questions_are_taken(
    on_postgres: Site, postgres: Postgres
) -> None:
    async with AsyncExitStack() as stack:  # so many that every thread of web has a connection
        pages = [await stack.enter_async_context(Page(on_postgres, "alice")) for _ in range(8)]
        await asyncio.gather(*(page.send("[echo] before") for page in pages))
        await asyncio.gather(*(page.finish() for page in pages))
        postgres.process.kill()
        postgres.restart()
        await asyncio.sleep(REST_S)

        answered = await asyncio.gather(*(page.send("[echo] after") for page in pages))

    assert {event["type"] for event in answered} == {"path.changed"}
