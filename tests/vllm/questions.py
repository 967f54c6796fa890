"""What the tiny model has learnt to answer: the demo model server's answers, by heart."""

from streaming.demo.answers import THINK, answer_to, thinking_about

TOPICS = ("lighthouses", "bread", "glaciers", "maps", "clocks", "tides")
LEARNT_LENGTH = 2800  # characters of a long answer; the model never saw one end


def usual(topic: str) -> str:
    """A few hundred tokens, with an end."""
    return f"Explain {topic}"


def brief(topic: str) -> str:
    return f"Explain {topic} briefly"


def endless(topic: str) -> str:
    """Only a limit ends it."""
    return f"Write a long essay about {topic}"


def thoughtful(topic: str) -> str:
    """With thinking before the answer."""
    return f"{THINK} Explain {topic} briefly"


def answers() -> list[tuple[str, str, bool]]:
    """(question, answer, whether the answer ends)."""
    learnt = []
    for topic in TOPICS:
        learnt += [(question, answer_to(question), True) for question in (usual(topic), brief(topic))]
        thought = thoughtful(topic)
        learnt.append((thought, f"<think>{thinking_about(thought)}</think>\n\n{answer_to(thought)}", True))
        learnt.append((endless(topic), answer_to(endless(topic))[:LEARNT_LENGTH], False))
    return learnt
