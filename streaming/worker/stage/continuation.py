"""Finds the new text in a reply that should continue a given text, but may repeat it first, or start anew.

Servers that repeat the given text trim its edges and split it into other pieces, so whitespace is not compared.
"""

from __future__ import annotations

from streaming.model_servers.capabilities import Continuing

SURE = 24  # characters; a reply that matches this much of the beginning repeats it


class Continuation:
    """``feed`` it each piece, then ``finish``. Returns no part of the beginning a second time."""

    def __init__(self, begun: str, server: Continuing):
        """``server``: its known behaviour. If a server known to repeat does not, the reply is lost.

        Other servers are taken to continue, unless they repeat SURE characters of the beginning that occur in it only
        once. For a server whose behaviour is unknown, repeating all of a shorter beginning counts, too.
        """
        self.restates = server is Continuing.REPEATS
        self.is_lost = False  # the reply neither repeats the beginning nor is known to continue it
        self.began_anew = False  # the reply does not continue the beginning but replaces it
        self._wanted = "".join(begun.split())
        self._edge = begun[len(begun.rstrip()) :]
        self._at = 0  # characters of the beginning repeated so far
        self._held: list[str] = []
        self._tail = ""  # text after the repeated beginning
        says_it_often = self._wanted.find(self._wanted[:SURE], 1) > 0 or is_refrain(self._wanted[: 2 * SURE])
        is_too_short = server is Continuing.EXACT and len(self._wanted) < SURE
        self.is_certain = not self.restates and (is_too_short or says_it_often)  # everything from now on is new

    @property
    def is_inside(self) -> bool:
        """True if a part of the beginning was repeated, but not all of it yet."""
        return not self.is_certain and 0 < self._at < len(self._wanted)

    def feed(self, text: str) -> str:
        """Returns the text that is certain to be new."""
        if self.is_certain:
            return text
        if self.is_lost:
            return ""
        self._held.append(text)
        rest = self._behind_beginning(text)
        if rest is None:
            self.began_anew = self._at >= SURE
            self.is_lost = self.restates and not self.began_anew
            self.is_certain = not self.is_lost
            return "".join(self._held) if self.is_certain else ""
        if self._at < len(self._wanted):
            return ""
        self._tail += rest
        return self._behind_edge()

    def finish(self) -> str:
        """Returns the held text at the end of the reply; empty if it repeats the beginning, as far as can be told."""
        is_repeated = self.restates or self._at >= min(SURE, len(self._wanted))
        return "" if self.is_certain or is_repeated else "".join(self._held)

    def _behind_beginning(self, text: str) -> str | None:
        """Compares ``text`` with the rest of the beginning. Returns what lies behind the beginning's end; None if it
        differs."""
        for place, character in enumerate(text):
            if self._at == len(self._wanted):
                return text[place:]
            if character.isspace():
                continue
            if character != self._wanted[self._at]:
                return None
            self._at += 1
        return ""

    def _behind_edge(self) -> str:
        """Returns the tail without the whitespace that the beginning ends with; empty while more of it may come."""
        differs = next((n for n, (a, b) in enumerate(zip(self._tail, self._edge, strict=False)) if a != b), None)
        if differs is None and len(self._tail) < len(self._edge):
            return ""
        self.is_certain = True
        return self._tail[len(self._edge) if differs is None else differs :]


def is_refrain(text: str) -> bool:
    """True if the text is one thing repeated, the last time perhaps only in part."""
    return any(text.startswith(text[period:]) for period in range(1, len(text) // 2 + 1))
