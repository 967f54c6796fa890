"""Asks the highlighting process for hostile code in every language that Pygments knows, which takes half an hour:

    python -m tests.conversations.rendering.lexers [first letters of languages]

Prints what was too slow, and fails if a reply was missing or took much more than its share of processor time: that
would be a way to keep the process, and all who wait for it, busy. test_highlighting.py has the worst of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from pygments.lexers import get_all_lexers

from conversations.rendering.highlighting.client import HighlightingProcess
from conversations.rendering.highlighting.process import SECONDS_FOR_CODE

PIECES = r"""
\ " ' ` ( [ { < > / * # $ a 0 = - % @ | & ~ ^ ; : , . ! ? _ \n \" \' \a (a [a {a (( [[ {{ /* // <!-- <a $( ${ #{
a. a: a, a= aa. \( "" '' \"" ''' `` -- ++ %% a( a[ a{ () [] {} 0. 0x 1e
"""
OPENINGS = ["", '"', "'", "`", '"""', "a ", "def a", "a=", "(", "{", "<a ", "/*", "# ", '@"', 's"', "%", "$", ":"]
BLANKS = [" ", "\t", "\n", "\n ", "a ", "a\n", "\\\n", "a\t "]
REPLY_WITHIN_S = 60.0
SHORT, LONG = 48, 1_500  # characters: enough for exponential time, and for high powers


def languages() -> list[str]:
    return [aliases[0] for _, aliases, _, _ in get_all_lexers(plugins=False) if aliases]


def hostile() -> Iterator[str]:
    for piece in PIECES.split() + BLANKS:
        for opening in OPENINGS:
            yield opening + piece * (SHORT // len(piece))
        for opening in ("", '"'):
            yield opening + piece * (LONG // len(piece)) + "!"


def main(beginnings: tuple[str, ...]) -> None:
    process = HighlightingProcess()
    longest, slow = 0.0, {}
    for language in languages():
        if not language.startswith(beginnings or ("",)):
            continue
        for source in hostile():
            process.ask(json.dumps([language, source + "\n"]).encode() + b"\n", key=b"")
            reply = process.reply(REPLY_WITHIN_S)
            longest = max(longest, reply.seconds)
            if reply.error:
                slow[language] = source
                print(f"{language}: {reply.error}: {source[:60]!r}, {len(source)} characters", flush=True)
    process.end()
    print(f"{len(slow)} languages have code that fails; the longest took {longest:.2f} s of processor time")
    sys.exit(longest > 2 * SECONDS_FOR_CODE)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
