"""How the unfinished end of an answer is shown, without flicker, while it still arrives."""

from .unfinished import read_tail

__all__ = ["read_tail"]
