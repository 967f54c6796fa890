"""Rendering may be called from any thread."""

from concurrent.futures import ThreadPoolExecutor

from conversations.rendering import render

from .fuzz import TEXTS


def test_threads_do_not_disturb_each_other() -> None:
    alone = [render(text) for text in TEXTS]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(render, TEXTS * 2))

    assert together == alone * 2
