"""What the tiny model has learnt to answer: the demo model server's answers, by heart."""

from streaming.demo.answers import THINK, answer_to, thinking_about

TOPICS = ("lighthouses", "bread", "glaciers", "maps", "clocks", "tides")


def usual(topic: str) -> str:
    """A few hundred tokens, with an end."""
    return f"Explain {topic}"


def brief(topic: str) -> str:
    return f"Explain {topic} briefly"


def endless(topic: str) -> str:
    """Longer than the model's context: only a limit ends it."""
    return f"Write a long essay about {topic}"


def thoughtful(topic: str) -> str:
    """With thinking before the answer."""
    return f"{THINK} Explain {topic} briefly"


def answers() -> list[tuple[str, str]]:
    """Questions and answers."""
    learnt = []
    for topic in TOPICS:
        learnt += [(question, answer_to(question)) for question in (usual(topic), brief(topic), endless(topic))]
        thought = thoughtful(topic)
        learnt.append((thought, f"<think>{thinking_about(thought)}</think>\n\n{answer_to(thought)}"))
    return learnt
