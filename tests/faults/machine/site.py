"""The site that the machine breaks."""

from __future__ import annotations

from pathlib import Path

from tests.harness.processes import Process
from tests.harness.site import Site


class PairedSite(Site):
    """With two workers and two model servers, on SQLite, and not patient with its locks."""

    def __init__(self, folder: Path):
        database = f"sqlite:///{folder / 'site.sqlite3'}"
        super().__init__(folder, model_servers=2, DATABASE_URL=database, DATABASE_TIMEOUT_S="2")

    def start(self) -> Site:
        super().start()
        self.second_worker = self.start_worker("second")
        return self

    def stop(self) -> None:
        self.second_worker.stop()
        super().stop()

    def output(self) -> str:
        return f"{super().output()}\n== second worker\n{self.second_worker.output()[-3000:]}"

    @property
    def workers(self) -> list[Process]:
        return [self.worker, self.second_worker]
