"""Whatever a model writes, only harmless elements, attributes and addresses reach the page."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.rendering import References, plain_text, render, render_tail
from conversations.rendering.sanitiser import ATTRIBUTES, CLASSES, TAGS, VALUES, sanitise

from .fuzz import texts
from .trees import Element, parse

HOSTILE = [
    "<script>alert(1)</script>",
    "<script src=//evil.example></script",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    '<math href="javascript:alert(1)">x</math>',
    '<annotation-xml encoding="text/html"><script>alert(1)</script></annotation-xml>',
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=data:text/html,x><embed src=x><base href=//evil.example><meta http-equiv=refresh content=0>",
    "<form action=//evil.example><input name=q><button formaction=javascript:alert(1)>go</button></form>",
    '<a href="javascript:alert(1)">x</a>',
    '<b onclick="alert(1)">x</b><b/onmouseover=alert(1)>x</b>',
    '<p style="background:url(//evil.example)">x</p>',
    '<div class="code"><button type="button" class="code__copy" data-copy-code>Copy</button></div>',
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><!DOCTYPE html>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<details open ontoggle=alert(1)>",
    "<b><script>alert(1)</b></script>",
    "<sub><img src=x onerror=alert(1)></sub>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x]( javascript:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;&#97;&#118;ascript:alert(1))",
    "[x](\\j\\a\\v\\ascript\\:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](java\x02\x03script:alert(1))",
    "[x](vbscript:x) [x](file:///etc/passwd) [x](blob:x) [x](view-source:x) [x](intent:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1)) ![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![x](https://evil.example/track.png)",
    "[x]\n\n[x]: javascript:alert(1)",
    "[x]\n\n[x]: <java\tscript:alert(1)>",
    "![x]\n\n[x]: data:text/html,x",
    "<javascript:alert(1)> <data:text/html,x>",
    '[x](https://a.example "onmouseover=alert(1)")',
    '[x](https://a.example"onmouseover="alert(1))',
    "[x](https://a.example' onmouseover='alert(1))",
    '[x](<https://a.example" onmouseover="alert(1)>)',
    'https://a.example/"onmouseover="alert(1)',
    'https://a.example/<script>alert(1)</script>',
    "[`x`](`javascript:alert(1)`) [x](\\(javascript:alert(1)\\)) [x]($javascript:alert(1)$)",
    "[![x](javascript:alert(1))](javascript:alert(2))",
    "```\"><script>alert(1)</script>\nx\n```",
    "```<script>\n</code></pre><script>alert(1)</script>\n```",
    "~~~x\" onclick=\"alert(1)\n</code></pre></div><img src=x onerror=alert(1)>\n~~~",
    "    </code></pre><script>alert(1)</script>",
    "`</code><script>alert(1)</script>`",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "| a |\n|:-\" onclick=\"alert(1):|\n| b |",
    "1. <script>alert(1)</script>\n[^<script>]: x",
    "x[^\"><script>alert(1)</script>]",
    "$\\text{<script>alert(1)</script>}$",
    "$\\text{<img src=x onerror=alert(1)>}$",
    "$\\text{</mtext></math><button data-copy-code class=code__copy>x</button>}$",
    "$\\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
    "$\\href{javascript:alert(1)}{x}$ $\\style{background:url(//evil.example)}{x}$ $\\class{code__copy}{x}$",
    "$$\n\\color{red\" onclick=\"alert(1)}{x}\n$$",
    "$</title><script>alert(1)</script>{$",
    "$$\n\" onmouseover=\"alert(1)\n$$",
    "\x02wzxhzdk:0\x03 \x02klzzwxh:0000\x03 \x0260\x03script\x0262\x03alert(1)",
    "```\nx\n```\n\n\x02wzxhzdk:0\x03",
    "&#2;wzxhzdk:0&#3; &#x2;60&#x3;script",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "<a href='java\0script:alert(1)'>x</a> \ud800<script>",
]  # fmt: skip
SCHEMES = {"http", "https", "mailto", ""}
BUTTON = '<button type="button" class="code__copy" data-copy-code="">Copy</button>'


def assert_harmless(html: str) -> None:
    for element in parse(html).walk()[1:]:
        assert element.tag in TAGS, element.tag
        for name, value in element.attributes.items():
            assert is_allowed(element.tag, name, value), (element.tag, name, value)
        assert_address_is_harmless(element)
    assert html.count("<button") == html.count(BUTTON) == html.count('class="code__bar"')


def is_allowed(tag: str, name: str, value: str) -> bool:
    if name == "class" and tag == "code":
        return value == "math-source" or value.startswith("language-")
    if name == "class":
        return set(value.split()) <= CLASSES.get(tag, set())
    if name in VALUES[tag]:
        return value in VALUES[tag][name]
    return name in ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())


def assert_address_is_harmless(element: Element) -> None:
    if element.tag == "a":
        assert element.attributes["rel"] == "noopener noreferrer nofollow"
        assert element.attributes["target"] == "_blank"
    address = re.sub(r"[\x00-\x20]", "", element.attributes.get("href", ""))
    assert urlsplit(address).scheme.lower() in SCHEMES, address


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text: str) -> None:
    for source in (text, f"- {text}\n", f"> **{text}**", f"# {text}", f"| {text} |\n|---|\n| {text} |", f"[{text}](x)"):
        assert_harmless(render(source))
        for end in range(0, len(source), 7):
            assert_harmless(render_tail(source[:end], References()).html)


@settings(max_examples=300)
@given(st.lists(st.one_of(st.sampled_from(HOSTILE), texts), max_size=4).map("".join))
def test_mixtures_of_hostile_texts_do_nothing(text: str) -> None:
    assert_harmless(render(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_raw_html_is_shown_and_not_lost(text: str) -> None:
    if text.startswith(("<script", "<img", "<svg", "<iframe", "<form")):
        assert parse(render(text)).text().strip() == text


def test_a_model_can_make_no_copy_button() -> None:
    html = render('<button type="button" class="code__copy" data-copy-code>Copy</button>\n\n```\nx\n```\n')

    assert html.count("<button") == 1
    assert html.count("&lt;button") == 1


def test_a_model_can_make_no_box_and_no_class() -> None:
    html = render('<input type="checkbox" checked> <span class="code__bar">x</span>')

    assert "<input" not in html
    assert "<span" not in html


@pytest.mark.parametrize("name", ["veil", "code__copy", "button", "math", "prose", "dialog k"])
def test_a_formula_brings_no_class_of_the_sites_own(name: str) -> None:
    formula = f"$\\class{{{name}}}{{x}}$"

    for source in (formula, f"[{formula}](https://a.example)", f"# {formula}", f"$${formula}$$"):
        classes = {token for element in parse(render(source)).walk() for token in element.classes}
        assert classes <= {"math", "math-source"}


def test_the_sanitiser_lets_no_other_class_id_or_style_through() -> None:
    html = sanitise('<p class="veil" id="main" style="position:fixed"><span class="k veil" role="alert">x</span></p>')

    assert html == '<p><span class="k">x</span></p>'


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = render(
        "![a](https://a.example/a.png) [![b](https://b.example/b.png)](https://c.example)\n\n![d][e]\n\n[e]: /d"
    )

    assert not re.search(r"<(img|video|audio|picture|source|link|iframe)|src=|url\(", html)


def test_plain_text_holds_no_tags() -> None:
    assert plain_text("**a** <script>b</script> `c`", 100) == "a <script>b</script> c"
    assert plain_text("$\\text{<b>}$", 100) == "<b>"
