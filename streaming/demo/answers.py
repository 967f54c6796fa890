"""The demo's answers: composed by rule from the question's words, and open about being a demo."""

from __future__ import annotations

import enum
import random
import re
import unicodedata
from collections.abc import Sequence

from . import passages
from .tokens import seed_of, tokens_of

COUNT = re.compile(r"\bcount to (\d{1,6})\b", re.IGNORECASE)
ECHO = "[echo] "
THINK = "[think]"
STOP_WORDS = {
    "a", "about", "an", "and", "are", "as", "at", "be", "can", "could", "do", "does", "explain", "for", "from",
    "give", "how", "i", "in", "is", "it", "me", "my", "of", "on", "or", "please", "show", "tell", "that", "the",
    "this", "to", "us", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with", "would",
    "write", "you", "your",
}  # fmt: skip
TITLE_WORDS = 5
SCRIPTS = {
    "ar": re.compile("[\u0600-\u06ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
}


class Asked(enum.Enum):
    PLAINLY = enum.auto()
    TO_BE_SHORT = enum.auto()
    TO_REVISE = enum.auto()  # the drafts in the system prompt


def answer_to(question: str, asked: Asked = Asked.PLAINLY) -> str:
    """Returns the answer's text, always the same for the same arguments."""
    if question.startswith(ECHO):
        return question.removeprefix(ECHO)
    if match := COUNT.search(question):
        return "".join(f"{n} " for n in range(1, int(match[1]) + 1))
    question = question.replace(THINK, "").strip()
    for language, script in SCRIPTS.items():
        if script.search(question):
            return passages.IN_OTHER_LANGUAGES[language].format(topic=topic_of(question))
    return compose(question, asked)


def answer_tokens(question: str, asked: Asked = Asked.PLAINLY) -> list[str]:
    if not question.startswith(ECHO) and (match := COUNT.search(question)):
        return [f"{n} " for n in range(1, int(match[1]) + 1)]
    return tokens_of(answer_to(question, asked))


def thinking_about(question: str) -> str | None:
    """Returns the thinking before the answer; None if the question does not ask for it."""
    if THINK not in question:
        return None
    topic = topic_of(question.replace(THINK, ""))
    return (
        f"\nThe user asks about {topic}. I am a demo, so I have no knowledge to draw on, only passages.\n\n"
        "First I look at the words of the question. Then I choose the passages that show what an answer to such a "
        "question usually contains: a list, a table, some code, a formula.\n\n"
        "I should say at the start that I am a demo, and keep to what I can really do.\n"
    )


def words_of(text: str) -> list[str]:
    """Returns runs of letters and digits, with combining marks, which are vowels in many scripts."""
    return "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in text).split()


def title_for(question: str) -> str:
    """Returns the question's first significant words."""
    words = [word for word in words_of(question) if word.lower() not in STOP_WORDS]
    chosen = (words or words_of(question) or ["Conversation"])[:TITLE_WORDS]
    return " ".join(word if word.isupper() else word[:1].upper() + word[1:] for word in chosen)


def choice_of(choices: Sequence[str], question: str) -> str:
    """Returns the choice that shares most words with the question; if none does, one by the question's hash."""
    words = set(words_of(question.lower()))
    best = max(choices, key=lambda choice: len(words & set(words_of(choice.lower()))))
    shares = words & set(words_of(best.lower()))
    return best if shares else choices[seed_of(question) % len(choices)]


def topic_of(question: str) -> str:
    """Returns up to six words of the question, to mention in the answer."""
    words = question.split("\n")[0].strip(" .?!؟。？").split()
    significant = [word for word in words if word.lower().strip(".,:;") not in STOP_WORDS]
    return " ".join((significant or words or ["this"])[:6])


def compose(question: str, asked: Asked) -> str:
    chance = random.Random(seed_of(question) + asked.value - 1)
    topic = topic_of(question)
    words = set(words_of(question.lower()))
    if words & passages.GREETINGS and len(words) <= 4:
        return passages.HELLO
    opening = passages.REVISED if asked is Asked.TO_REVISE else chance.choice(passages.OPENINGS)
    if words & passages.BRIEF or asked is Asked.TO_BE_SHORT:
        paragraphs = [opening, passages.SHORT]
    else:
        sections = [section(name, number, chance) for number, name in enumerate(sections_for(words, chance), 1)]
        paragraphs = [opening, *sections, chance.choice(passages.CLOSINGS)]
    return "\n\n".join(paragraphs).replace("{topic}", topic)


def sections_for(words: set[str], chance: random.Random) -> list[str]:
    """Returns the sections that the question asks for, and others beside them; for a long answer, all three times."""
    asked_for = [name for name, (_, triggers, _) in passages.SECTIONS.items() if words & triggers]
    others = [name for name in passages.SECTIONS if name not in asked_for]
    chosen = asked_for[:3] + chance.sample(others, k=max(1, 3 - len(asked_for)))
    if words & passages.LONG:
        chosen = ([name for name in passages.SECTIONS if name not in chosen] + chosen) * 3
    return chosen


def section(name: str, number: int, chance: random.Random) -> str:
    headings, _, text = passages.SECTIONS[name]
    return f"## {number}. {chance.choice(headings)}\n\n{text}"
