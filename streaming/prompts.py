"""What is sent to a model: the conversation's path as messages, and how an answer is continued."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from conversations.models import Message
from conversations.models.message import ANSWER, PartKey, PartKind, Role

ChatMessage = dict[str, str]  # role and content, as they go over the wire

TITLE_PROMPT = (
    "You name conversations. Reply with a short title of this conversation: at most six words, in the language of the "
    "question, without quotation marks, without a full stop, nothing else."
)
TITLE_MAX_TOKENS = 24
TITLE_QUESTION_LENGTH = 2000  # characters of the question that a title needs


@dataclass(frozen=True)
class Prompt:
    """A question in its conversation, without what there is of the answer."""

    messages: tuple[ChatMessage, ...]

    @classmethod
    def of_path(cls, path: Iterable[Message]) -> Prompt:
        """From the messages up to the question, the first one first. Reads their parts."""
        messages = [{"role": "system", "content": settings.SYSTEM_PROMPT}]
        messages += [{"role": message.role, "content": message.text} for message in path]
        return cls(tuple(message for message in messages if message["content"]))


def request_body(
    prompt: Prompt, model: str, texts: dict[PartKey, str], max_tokens: int, *, stream: bool = True
) -> dict[str, Any]:
    """The request for the rest of an answer of which ``texts`` is there already: at most ``max_tokens`` more.

    The text goes back exactly as it came: at token boundaries the rest is then what an uninterrupted request would have
    said. Thinking is over once there is text, and is switched off, so that a reasoning parser does not take the rest of
    the answer for thinking.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": list(prompt.messages),
        "max_tokens": max_tokens,
        "temperature": settings.VLLM_TEMPERATURE,
        "top_p": settings.VLLM_TOP_P,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if begun := texts.get(ANSWER, ""):
        body["messages"].append({"role": Role.ASSISTANT.value, "content": begun})
        body |= {
            "continue_final_message": True,
            "add_generation_prompt": False,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    return body


def title_body(question: str, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": TITLE_PROMPT},
            {"role": "user", "content": question[:TITLE_QUESTION_LENGTH]},
        ],
        "max_tokens": TITLE_MAX_TOKENS,
        "temperature": 0.2,
        "chat_template_kwargs": {"enable_thinking": False},
    }


def clean_title(reply: str) -> str:
    """A model's title without what models add to it; empty if nothing is left."""
    reply = reply.rpartition("</think>")[2]
    lines: Iterable[str] = (line.strip() for line in reply.splitlines())
    first = next((line for line in lines if line), "")
    return first.removeprefix("Title:").strip(" \t\"'“”„«»*#.`")


__all__ = ["ANSWER", "PartKind", "Prompt", "clean_title", "request_body", "title_body"]
