"""Builds requests to models: the conversation's path as messages, and how an answer is continued."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings

from conversations.models.chat import titles
from conversations.models.chat.asking import can_be_seen
from conversations.models.chat.message import Role, Said
from conversations.models.generation.plan import PlannedStage
from streaming.model_servers.pool import Route
from streaming.model_servers.vllm.thinking import split

ChatMessage = dict[str, str]  # role and content, as sent to the server

# Joins questions of one turn, if the first got no answer. The demo model server splits at it, too.
BETWEEN_QUESTIONS = "\n\n\n"

TITLE_PROMPT = (
    "You name conversations. Reply with a short title of this conversation: at most six words, in the language of the "
    "question, without quotation marks, without a full stop, nothing else."
)
TITLE_MAX_TOKENS = 24
TITLE_MARKS = " \t\"'“”„«»*#.`"  # that models put around titles
TITLE_WORD = "title:"
TITLE_QUESTION_LENGTH = 2000  # characters of the question from which a title is made


@dataclass(frozen=True)
class Draft:
    """An earlier stage's text, for a stage that waited for it."""

    label: str
    text: str
    is_complete: bool


@dataclass(frozen=True)
class Prompt:
    """A question with the conversation before it, without the answer so far."""

    messages: tuple[ChatMessage, ...]  # without a system prompt
    drafts: tuple[Draft, ...] = ()

    @classmethod
    def of_path(cls, path: Iterable[Said]) -> Prompt:
        """``path``: the messages up to the question, the first one first.

        Roles alternate, since many chat templates refuse anything else: an unanswered question is joined to the next.
        """
        turns = groupby((message for message in path if message.text), key=lambda message: message.role)
        return cls(
            tuple(
                {"role": role, "content": BETWEEN_QUESTIONS.join(message.text for message in messages)}
                for role, messages in turns
            )
        )

    def with_drafts(self, drafts: Sequence[Draft]) -> Prompt:
        return Prompt(self.messages, tuple(drafts))

    def for_stage(self, stage: PlannedStage) -> list[ChatMessage]:
        """Returns the messages to send. Only one system message, the first: many chat templates refuse others."""
        instructions = [settings.SYSTEM_PROMPT, stage.system_prompt, *map(quoted, self.drafts)]
        system = "\n\n".join(text for text in instructions if text)
        return [*([{"role": "system", "content": system}] if system else []), *self.messages]


def quoted(draft: Draft) -> str:
    """Returns the draft between tags that its own text cannot close."""
    state = "complete" if draft.is_complete else "cut off"
    text = draft.text.strip().replace("</draft", "<\u200b/draft")
    return f'<draft stage="{draft.label}" state="{state}">\n{text}\n</draft>'


def request_body(
    prompt: Prompt,
    stage: PlannedStage,
    route: Route,
    begun: str,
    max_tokens: int,
    *,
    stream: bool = True,
    usage: bool = True,
    top_logprobs: int | None = None,
) -> dict[str, Any]:
    """Returns the request for a stage's text, or for the rest of it after ``begun``: at most ``max_tokens`` more.

    The text is sent back exactly as received: at token boundaries, the rest is then what an uninterrupted request would
    have returned. Thinking is over once there is text, and is switched off, so that a reasoning parser does not take
    the rest of the answer for thinking.
    """
    body: dict[str, Any] = {
        "model": route.model,
        "messages": prompt.for_stage(stage),
        "max_tokens": max_tokens,
        "temperature": route.tier.temperature if stage.temperature is None else stage.temperature,
        "top_p": route.tier.top_p if stage.top_p is None else stage.top_p,
    }
    if top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": top_logprobs}
    if stream:
        body["stream"] = True
    if stream and usage:
        body["stream_options"] = {"include_usage": True}
    if begun:
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
    """Removes what models put around a title; empty if nothing is left."""
    for line in split(reply)[1].splitlines():
        title = titles.one_line(line).strip(TITLE_MARKS)
        if title.lower().startswith(TITLE_WORD):
            title = title[len(TITLE_WORD) :].strip(TITLE_MARKS)
        if can_be_seen(title):
            return title
    return ""
