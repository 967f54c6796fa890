"""Markdown of models as safe HTML: whole, block by block, and while it still arrives.

One configuration and one sanitiser for the live page, the history, the review pages and exports, so that they never
differ. Python-Markdown keeps its inline patterns, its tree and its serialiser; blocks are read by our CommonMark reader,
which is also the segmenter of the live stream.
"""

from .renderer import RENDERER_VERSION, References, Tail, plain_text, render, render_block, render_blocks, render_tail
from .segmenter import Segmenter

__all__ = [
    "RENDERER_VERSION",
    "References",
    "Segmenter",
    "Tail",
    "plain_text",
    "render",
    "render_block",
    "render_blocks",
    "render_tail",
]
