"""Prints what rendering costs, in processor time: python -m tests.conversations.rendering.measure [bombs]"""

import sys
from collections.abc import Callable
from functools import partial
from time import process_time

from conversations.rendering import References, Segmenter, render, render_block, render_tail

from .bombs import bombs
from .fuzz import TEXTS

WORDS = "The **scheduler** wakes `worker-3` when a [job](https://example.org/jobs) arrives, and *only* then asks. "
TABLE = "| Name | Size | Note |\n|---|---:|---|\n" + "| **alpha** | 10 | `a` and b |\n" * 6
SLOW = 0.1  # seconds; bombs that take less are not listed


def answer(size: int) -> str:
    """Whole snippets of the corpus, one after the other."""
    text = ""
    while len(text) < size:
        for snippet in TEXTS:
            text += snippet.rstrip() + "\n\n"
    return text[: text.rindex("\n\n", 0, size)]


def seconds(work: Callable[[], object], times: int) -> float:
    best = []
    for _ in range(3):
        begun = process_time()
        for _ in range(times):
            work()
        best.append((process_time() - begun) / times)
    return min(best)


def measure_blocks() -> None:
    for name, source in (
        ("paragraph of 100", WORDS[:100]),
        ("paragraph of 300", (WORDS * 3)[:300]),
        ("paragraph of 1,000", (WORDS * 10)[:1000]),
        ("table", TABLE),
        ("answer of 4 KB", answer(4_000)),
        ("answer of 100 KB", answer(100_000)),
    ):
        times = 3 if len(source) > 4_000 else 200
        print(f"{name:20} {seconds(partial(render, source), times) * 1e6:10,.0f} µs")


def measure_stream() -> None:
    """An answer of 20 KB in 5,000 pieces."""
    text = answer(20_000)
    deltas = [text[index : index + len(text) // 5_000] for index in range(0, len(text), len(text) // 5_000)]
    print(f"{'segmenter':20} {seconds(lambda: split(deltas), 1) * 1e3:10.1f} ms for {len(deltas):,} pieces")
    blocks = split(deltas)
    references = References()
    work = seconds(lambda: [render_block(block, references) for block in blocks], 1)
    print(f"{'its blocks':20} {work * 1e3:10.1f} ms for {len(blocks)}")
    tails = [paragraph[: len(paragraph) * 2 // 3] for paragraph in blocks]
    work = seconds(lambda: [render_tail(tail, references) for tail in tails], 1)
    print(f"{'their tails':20} {work * 1e3:10.1f} ms for {len(tails)}")


def split(deltas: list[str]) -> list[str]:
    segmenter = Segmenter()
    return [block for delta in deltas for block in segmenter.feed(delta)] + segmenter.finish()


def measure_bombs() -> None:
    for name, build in bombs():
        figures = []
        for size in (1_000, 10_000, 100_000):
            text = build(size)
            figures += [seconds_once(render, text), seconds_once(lambda text: render_tail(text, References()), text)]
        if max(figures) > SLOW:
            print(f"{name:32}", *(f"{figure * 1e3:7.0f}" for figure in figures), "ms (render, tail; 1, 10, 100 KB)")


def seconds_once(work: Callable[[str], object], text: str) -> float:
    begun = process_time()
    work(text)
    return process_time() - begun


if __name__ == "__main__":
    render("*warm* `up` $x$")
    if sys.argv[1:] == ["bombs"]:
        measure_bombs()
    else:
        measure_blocks()
        measure_stream()
