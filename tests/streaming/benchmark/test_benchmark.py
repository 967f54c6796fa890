"""`make benchmark` in small: every row has a figure that can be, and is kept. Page not found asserts a duration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streaming.benchmark.figures import Figure, Result, load, store
from tests.harness.processes import ROOT

WITHIN_S = 280
SMALL = ("--streams", "3", "--tokens", "20", "--samples", "4", "--idle-sockets", "20")


def benchmark(*arguments: str, most_files: int = 0) -> subprocess.CompletedProcess[str]:
    limit = f"ulimit -n {most_files}; " if most_files else ""
    command = ["sh", "-c", f'{limit}exec "$@"', "sh", sys.executable, "-m", "chatsite.launch.benchmark", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)


class Small:
    """One run for all tests."""

    def __init__(self, folder: Path):
        self.json, self.svg = folder / "run.json", folder / "run.svg"
        earlier = folder / "earlier.json"
        store(Result("2026-01-01", "a machine", "other options", [Figure("lag p50", 0.001, "ms", 3)]), earlier)
        kept = ("--json", str(self.json), "--plot", str(self.svg), "--compare", str(earlier))
        self.ended = benchmark(*SMALL, *kept)
        assert self.ended.returncode == 0, self.ended.stderr
        self.figures = {figure.key: figure.value for figure in load(self.json).figures}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("benchmark"))


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("TTFT p50", 0, 20_000),
        ("TTFT, floor p99", 0, 20_000),
        ("stop p95", 0, 20_000),
        ("reload to caught-up text p50", 0, 20_000),
        ("throughput at full speed", 1, 1e7),
        ("memory, idle, site", 100, 2000),
        ("lag p95 with idle sockets", 0, 20_000),
    ],
)
def test_a_single_figure_is_plausible(small: Small, name: str, least: float, most: float) -> None:
    assert least < small.figures[name, None] < most


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("lag p50", 0, 20_000),
        ("lag p99", 0, 20_000),
        ("lag p95, floor", 0, 20_000),
        ("throughput", 1, 3 * 50 * 1.5),
        ("CPU per token, site", 1, 1e6),
        ("memory, web", 20, 1000),
        ("bytes per token, model server → worker", 200, 400),
        ("bytes per token, worker → Redis", 20, 300),
        ("bytes per token, Redis → web", 20, 20_000),
        ("bytes per token, web → browser", 20, 2000),
        ("tokens per log entry", 1, 20),
    ],
)
def test_a_figure_of_a_load_is_plausible(small: Small, name: str, least: float, most: float) -> None:
    assert least <= small.figures[name, 3] < most


def test_the_steps_to_the_first_token_add_up_to_it(small: Small) -> None:
    steps = [value for (name, _), value in small.figures.items() if name.startswith("TTFT, ") and "→" in name]

    assert len(steps) == 6 and sum(steps) < 3 * small.figures["TTFT p99", None]


def test_the_table_has_a_row_for_each_figure(small: Small) -> None:
    rows = small.ended.stdout

    assert all(name in rows for name, _ in small.figures)
    assert "target" in rows and "≤ 150" in rows


def test_the_plot_is_one_of_this_run(small: Small) -> None:
    drawn = small.svg.read_text()

    assert drawn.startswith("<svg") and drawn.count("<polyline") == 4 and "streams" in drawn


# Refusals, each with a sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--streams", "1,x"], "'x' is no number above 0"),
        (["--rate", "0"], "'0' is no number above 0"),
        (["--idle-sockets", "-1"], "is no whole number"),
        (["--compare", "/nowhere/at.json"], "/nowhere/at.json cannot be read"),
        (["--compare", "Makefile"], "is no result of this benchmark"),
        (["--json", "/nowhere/at.json"], "there is no folder /nowhere"),
    ],
)
def test_a_bad_argument_gets_a_sentence(arguments: list[str], sentence: str) -> None:
    ended = benchmark(*arguments)

    assert ended.returncode == 2 and sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_too_few_open_files_get_a_sentence() -> None:
    ended = benchmark(most_files=256)

    assert ended.returncode == 2 and "open files, and this shell allows 256" in ended.stderr


def test_a_figure_has_a_name_of_its_own(small: Small) -> None:
    assert len(load(small.json).figures) == len(small.figures)


def test_an_earlier_run_is_compared(small: Small) -> None:
    compared = small.ended.stdout.partition("Compared with 2026-01-01 · a machine")[2]

    assert "with other options: other options" in compared
    assert [line for line in compared.splitlines() if line.startswith("lag p50 (ms)") and " % " in f"{line} "]
