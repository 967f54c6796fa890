"""Colours for code, made by Pygments in a process of its own, where nothing that a model writes can hold up ours."""

from .client import HighlightBudget, highlight

__all__ = ["HighlightBudget", "highlight"]
