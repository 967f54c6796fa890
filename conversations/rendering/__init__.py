"""Markdown of models as safe HTML: whole, block by block, and while it still arrives.

One configuration and one sanitiser for the live page, the history, the review pages and exports, so that they never
differ. Blocks are read by our CommonMark reader, which is also the segmenter of the live stream; what stands inside
lines is up to Python-Markdown's patterns, a few of them ours; its tree and its serialiser do the rest.
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
