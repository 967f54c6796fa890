"""Code blocks: a bar with the language and a copy button, and the code, coloured by Pygments.

Its classes are Pygments' short ones: bp c c1 ch cm cp cpf cs dl err fm g gd ge gh gi go gp gr gs gt gu k kc kd kn kp kr
kt l ld m mb mf mh mi mo il n na nb nc nd ne nf ni nl nn no nt nv nx o ow p pm py s s1 s2 sa sb sc sd se sh si sr ss sx
vc vg vi vm w x.
"""

from __future__ import annotations

import html
import re

from .highlighting import HighlightBudget, highlight

LANGUAGE_LENGTH = 40


def code_block(source: str, info: str, budget: HighlightBudget | None) -> str:
    """``info`` is what stands behind the opening fence: its first word names the language. Plain without a budget."""
    language = re.split(r"[\s{,:]", info, maxsplit=1)[0].lower()[:LANGUAGE_LENGTH]
    name = html.escape(language or "text")
    coloured = highlight(source + "\n", language, budget) if budget else None
    body = coloured or html.escape(source, quote=False) + "\n"
    return (
        '<div class="code" dir="ltr"><div class="code__bar">'
        f'<span class="code__language">{name}</span>'
        '<button type="button" class="code__copy" data-copy-code="">Copy</button></div>'
        f'<pre tabindex="0"><code class="language-{name}">{body}</code></pre></div>'
    )
