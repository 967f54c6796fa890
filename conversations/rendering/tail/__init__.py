"""Parses the unfinished end of an answer so that it is shown without flicker while it arrives."""

from .unfinished import read_tail

__all__ = ["read_tail"]
