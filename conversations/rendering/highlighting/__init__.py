"""Highlights code with Pygments in a separate process, where nothing that a model writes can block ours."""

from .client import HighlightBudget, highlight

__all__ = ["HighlightBudget", "highlight"]
