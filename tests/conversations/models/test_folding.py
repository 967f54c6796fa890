"""What searches compare: neither case nor composition, nor what nobody sees."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.models.chat.folding import fold

SAME = [
    ("ÄPFEL", "äpfel"),
    ("A\u0308pfel", "äpfel"),
    ("STRASSE", "straße"),
    ("ГРУСТЬ", "грусть"),
    ("ΟΔΟΣ", "οδος"),
    ("οδος", "οδοσ"),
    ("İSTANBUL", "istanbul"),
    ("ISPARTA", "ısparta"),
    ("ı\u0301", "í"),
    ("ｶﾞ", "ガ"),
    ("Ｆｕｌｌ", "full"),
    ("ﬁle", "FILE"),
    ("Å", "a\u030a"),
    ("각", "\u1100\u1161\u11a8"),
    ("Donau\u00addampf", "donaudampf"),
    ("می\u200cخواهم", "میخواهم"),
    ("❤\ufe0f", "❤"),
    ("ÉCOLE", "e\u0301cole"),
    ("Ｋ", "k"),
    ("Ⅳ", "iv"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("a", "ä"), ("о", "o"), ("か", "が"), ("1", "l")])
def test_these_are_not(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text() | st.text("iIıİaA\u0301\u0307\u0323\u034f"))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text() | st.text("iIıİaA\u0301\u0307\u0323\u034f"), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_form_does_not_matter(text: str, form: str) -> None:
    assert fold(unicodedata.normalize(form, text)) == fold(text)  # type: ignore[arg-type]
