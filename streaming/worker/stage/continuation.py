"""Tells what is new in a text that was to go on from a beginning, but may begin with it again, or begin anew.

Servers that repeat what they were given trim its edges, and cut it into other pieces. So blanks are not compared.
"""

from __future__ import annotations

from streaming.model_servers.capabilities import Continuing

SURE = 24  # characters: what begins as alike as this does not go on, it begins again


class Continuation:
    """``feed`` it what comes, ``finish`` at the end. Nothing of the beginning comes out a second time."""

    def __init__(self, begun: str, server: Continuing):
        """``server``: what it is known to do. If one that repeats does not, nobody knows what comes.

        Others go on, unless they say a good deal of the beginning again that the beginning itself says but once; of one
        that nobody knows, all of a short beginning will do.
        """
        self.restates = server is Continuing.REPEATS
        self.is_lost = False  # what comes is neither the beginning nor known to go on from it
        self.began_anew = False  # it does not go on from the beginning; all that comes is the new text
        self._wanted = "".join(begun.split())
        self._edge = begun[len(begun.rstrip()) :]
        self._at = 0  # of what is wanted, this much has come again
        self._held: list[str] = []
        self._tail = ""  # what came behind it
        says_it_often = self._wanted.find(self._wanted[:SURE], 1) > 0 or is_refrain(self._wanted[: 2 * SURE])
        is_too_short = server is Continuing.EXACT and len(self._wanted) < SURE
        self.is_certain = not self.restates and (is_too_short or says_it_often)  # what comes now is new

    @property
    def is_inside(self) -> bool:
        """Some of the beginning has come again, and not all of it."""
        return not self.is_certain and 0 < self._at < len(self._wanted)

    def feed(self, text: str) -> str:
        """What is new, and certain to be."""
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
        """Nothing more comes: what is still held back is the beginning again, unless it is too short to tell."""
        is_repeated = self.restates or self._at >= min(SURE, len(self._wanted))
        return "" if self.is_certain or is_repeated else "".join(self._held)

    def _behind_beginning(self, text: str) -> str | None:
        """Of a text that goes on as the beginning did, what lies behind its end; None if it differs."""
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
        """Without the blanks that the beginning ends with; nothing as long as there may be more of them."""
        differs = next((n for n, (a, b) in enumerate(zip(self._tail, self._edge, strict=False)) if a != b), None)
        if differs is None and len(self._tail) < len(self._edge):
            return ""
        self.is_certain = True
        return self._tail[len(self._edge) if differs is None else differs :]


def is_refrain(text: str) -> bool:
    """It says one thing twice or more, the last time perhaps in part."""
    return any(text.startswith(text[period:]) for period in range(1, len(text) // 2 + 1))
