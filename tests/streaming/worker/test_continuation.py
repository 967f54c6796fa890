"""What is new in a text that was to go on from a beginning: whoever repeats it, nothing stands there twice."""

from __future__ import annotations

import pytest

from streaming.model_servers.capabilities import Continuing
from streaming.worker.stage.continuation import Continuation

EXACT, REPEATS, UNKNOWN = Continuing.EXACT, Continuing.REPEATS, Continuing.UNKNOWN

PROSE = "The quick brown fox jumps over the lazy dog, and then it rests in the sh"


def fed(begun: str, pieces: list[str], server: Continuing) -> tuple[list[str], bool]:
    """What came out for each piece and at the end, and whether it began anew."""
    continuation = Continuation(begun, server)
    out = [continuation.feed(piece) for piece in pieces]
    return [*out, continuation.finish()], continuation.began_anew


def by_length(text: str, length: int) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


@pytest.mark.parametrize("length", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("begun", "sent", "new"),
    [
        ("1, 2, 3,", "1, 2, 3, 4, 5", " 4, 5"),
        ("1, 2, 3, ", "1, 2, 3, 4, 5", "4, 5"),
        ("1, 2, 3,\n\n", "1, 2, 3,\n\n\n4", "\n4"),
        ("\n\n 1, 2, 3,", "1, 2, 3, 4", " 4"),
        ("1, 2, 3,", "\n 1, 2, 3, 4", " 4"),
        ("The sh", "The shade", "ade"),
        ("a\r\nb\t", "a\nb c", " c"),
        ("1, 1, 1,", "1, 1, 1, 1, 1", " 1, 1"),
        ("Zwölf 👩‍", "Zwölf 👩‍🚀 fliegen", "🚀 fliegen"),
        (" ", "Hello", "Hello"),
        ("I", "I am", " am"),
    ],
)
def test_what_is_repeated_is_dropped(begun: str, sent: str, new: str, length: int) -> None:
    out, began_anew = fed(begun, by_length(sent, length), REPEATS)

    assert ("".join(out), began_anew) == (new, False)


@pytest.mark.parametrize("restates", [True, False])
@pytest.mark.parametrize("length", [1, 5, 1000])
def test_who_repeats_and_then_says_something_else_has_begun_anew(length: int, restates: bool) -> None:
    sent = "The quick brown fox jumps over a fence."

    out, began_anew = fed(PROSE, by_length(sent, length), REPEATS if restates else EXACT)

    assert ("".join(out), began_anew) == (sent, True)


@pytest.mark.parametrize("sent", ["ade.", "The quick red fox", "Once upon a time"])
def test_of_who_should_repeat_and_does_not_nothing_is_shown(sent: str) -> None:
    continuation = Continuation(PROSE, REPEATS)

    assert [continuation.feed(piece) for piece in by_length(sent, 3)] == [""] * len(by_length(sent, 3))
    assert continuation.is_lost and not continuation.began_anew


@pytest.mark.parametrize(
    ("begun", "sent"),
    [
        (PROSE, "ade."),
        (PROSE, " The rest."),
        ("1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,", " 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2"),
        ("1, 1,", "1, 1, 1, 2"),
        ("ha " * 12, "ha " * 28 + "end"),
        ("I must not talk. I must not talk. ", "I must not talk. I must not talk. Why?"),
        ("- [ ] eggs\n- [ ] milk and honey\n", "- [ ] bread"),
    ],
)
def test_of_who_goes_on_nothing_is_lost(begun: str, sent: str) -> None:
    out, began_anew = fed(begun, by_length(sent, 2), EXACT)

    assert ("".join(out), began_anew) == (sent, False)


def test_who_goes_on_is_shown_at_once() -> None:
    assert fed(PROSE, ["ade", ", and"], EXACT)[0] == ["ade", ", and", ""]


def test_a_text_that_says_the_same_again_and_again_is_never_held_back() -> None:
    assert fed("ha ha ha " * 40, ["ha ", "ha "], EXACT)[0] == ["ha ", "ha ", ""]


def test_who_was_taken_for_one_that_goes_on_and_repeats_is_found_out() -> None:
    out, began_anew = fed(PROSE, by_length(PROSE + "ade.", 4), EXACT)

    assert ("".join(out), began_anew) == ("ade.", False)


def test_the_end_comes_before_all_was_repeated() -> None:
    assert "".join(fed(PROSE, [PROSE[:40]], REPEATS)[0]) == ""
    assert "".join(fed(PROSE, [PROSE[:6]], EXACT)[0]) == PROSE[:6]


def test_a_long_beginning_is_compared_once() -> None:
    begun = "".join(f"{number} words of a long answer, " for number in range(4000))

    assert "".join(fed(begun, by_length(begun + "and the rest", 5), REPEATS)[0]) == "and the rest"


@pytest.mark.parametrize(
    ("begun", "sent", "new"),
    [
        ("O", "Oliver", "liver"),
        ("O", " my", " my"),
        ("1, 2,", "1, 2, 3", " 3"),
        (PROSE, PROSE + "a", "a"),
        (PROSE, "ade", "ade"),
    ],
)
def test_of_a_server_that_nobody_knows_what_begins_alike_is_repeated(begun: str, sent: str, new: str) -> None:
    assert "".join(fed(begun, by_length(sent, 2), UNKNOWN)[0]) == new
