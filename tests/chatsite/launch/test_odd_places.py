"""A deep folder with blanks, a socket for a terminal, and a terminal that is closed."""

from __future__ import annotations

import signal
from pathlib import Path

from .run import NAMES, Run


def test_it_runs_in_a_deep_folder_with_blanks(tmp_path: Path) -> None:
    run = Run(tmp_path / ("deep and wide" * 9) / "it's here", tmp_path).start()

    run.wait_until_ready()
    processes = run.processes()
    run.send(signal.SIGHUP)  # the terminal is closed

    assert set(processes) == NAMES
    assert run.manager.popen is not None
    assert run.manager.popen.wait(15) == 0
    assert not [process for process in processes.values() if process.is_running()]
