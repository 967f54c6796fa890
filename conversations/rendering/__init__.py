"""Renders models' Markdown as safe HTML: whole, block by block, and while it still arrives.

The live page, the history, the review pages and exports share one configuration and one sanitiser, so that they never
differ. Our CommonMark reader parses blocks, and is also the segmenter of the live stream. Python-Markdown's patterns,
some replaced by ours, parse inline text; its tree and its serialiser do the rest.
"""

from .highlighting import HighlightBudget
from .inline import References
from .renderer import RENDERER_VERSION, Tail, plain_text, render, render_block, render_blocks, render_tail
from .segmenter import Segmenter

__all__ = [
    "RENDERER_VERSION",
    "HighlightBudget",
    "References",
    "Segmenter",
    "Tail",
    "plain_text",
    "render",
    "render_block",
    "render_blocks",
    "render_tail",
]
