"""One chat completion: its tokens, where a continued text resumes, and the server's behaviour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from .answers import Asked, answer_tokens, choice_of, thinking_about, title_for
from .faults import Behaviour, Faults
from .tokens import logprob_of, tokens_of
from .wire import ChatRequest, WireError, usage_of

TITLE_MARK = "title of this conversation"
DRAFTS_MARK = "<draft "
BETWEEN_QUESTIONS = "\n\n\n"  # the site joins a turn's questions with it when an earlier one got no answer
SHORT_MARK = "keep yours short"
COUNTED = re.compile(r"\d, (\d{1,6})\Z")  # a foreign text that ends counting is continued by counting
COUNTS_ON = 20  # numbers less one
PIECE = 7  # characters; a repeated beginning is split differently from the tokens it was received in
ODD_USAGE = {
    "prompt_tokens": -1,
    "completion_tokens": 2**64 - 1,
    "total_tokens": "many",
    "prompt_tokens_details": {"cached_tokens": -7},
}


@dataclass(frozen=True)
class Options:
    """The server's command line options."""

    models: tuple[str, ...] = ("demo",)
    max_model_len: int = 32_768
    reasoning_parser: bool = True
    strict_continuation: bool = False
    speculative: bool = False  # export counters as with speculative decoding


@dataclass(frozen=True)
class Token:
    text: str
    field: str  # content or reasoning
    place: int


class Completion:
    """Raises WireError, with vLLM's messages, for requests that cannot be answered."""

    def __init__(self, request: ChatRequest, options: Options, faults: Faults):
        self.request = request
        self.model = request.model or options.models[0]
        check(request, options)
        asked = [message.text for message in request.messages if message.role == "user"]
        try:
            # Read at the beginning: the request may be released before it is held.
            self.released = faults.released
            self.behaviour: Behaviour
            self.behaviour, self.question = faults.take(asked[-1].rpartition(BETWEEN_QUESTIONS)[2] if asked else "")
        except msgspec.ValidationError as error:
            raise WireError(400, f"[[demo …]]: {error}") from error
        self._check_behaviour()
        self.prompt_tokens = sum(len(tokens_of(message.text)) + 4 for message in request.messages)
        if self.prompt_tokens == options.max_model_len:
            raise WireError(400, "max_tokens must be at least 1, got 0.", param="max_tokens")
        if self.prompt_tokens > options.max_model_len:
            text = (
                f"This model's maximum context length is {options.max_model_len} tokens. However, your request has "
                f"at least {self.prompt_tokens} input tokens."
            )
            raise WireError(400, text, param="input_tokens")
        room = options.max_model_len - self.prompt_tokens
        self.max_tokens = min(request.max_completion_tokens or request.max_tokens or room, room)
        self.repeated = 0  # how many tokens repeat the given beginning
        self._tokens = self._rest(options)

    def tokens(self) -> Iterator[Token]:
        """Yields up to ``max_tokens`` tokens. The caller handles stop strings."""
        for place, (field, text) in enumerate(self._tokens[: self.repeated + self.max_tokens]):
            yield Token(text, field, place)

    def usage(self, said: int, thought: int, cached: int) -> dict[str, Any]:
        """Returns the usage after ``said`` tokens."""
        if self.behaviour.odd_figures:
            return ODD_USAGE
        return usage_of(self.prompt_tokens, max(said - self.repeated, 0), thought, cached)

    def logprobs(self, token: Token) -> dict[str, Any] | None:
        top, sent = self.request.top_logprobs, self.behaviour.probabilities
        if not self.request.logprobs or token.field != "content" or sent == "none" or (sent == "top-1" and not top):
            return None
        if self.behaviour.odd_figures:
            return {"content": [{"token": token.text, "logprob": None}]}
        text = token.text
        entry = {"token": text, "logprob": logprob_of(text, token.place), "bytes": list(text.encode())}
        return {"content": [entry | {"top_logprobs": [entry] if top else []}]}

    @property
    def finish_reason(self) -> str:
        return "length" if len(self._tokens) > self.repeated + self.max_tokens else "stop"

    @property
    def thinks(self) -> bool:
        kwargs = self.request.chat_template_kwargs
        return kwargs.get("enable_thinking", True) is not False and self.request.reasoning_effort != "none"

    def _check_behaviour(self) -> None:
        if self.behaviour.no_stream and self.request.stream:
            raise WireError(400, "Streaming is switched off on this server.", param="stream")
        if self.request.continue_final_message and self.behaviour.continuing == "refuses":
            raise WireError(400, "continue_final_message is not supported by this chat template.")
        if self.behaviour.no_lists and any(isinstance(message.content, list) for message in self.request.messages):
            raise WireError(400, "The content of a message must be a string.")

    def _whole(self) -> list[str]:
        system = " ".join(message.text for message in self.request.messages if message.role == "system")
        if TITLE_MARK in system:
            return tokens_of(title_for(self.question))
        if self.request.structured_outputs and (choices := self.request.structured_outputs.get("choice")):
            return tokens_of(choice_of(choices, self.question))
        is_short = Asked.TO_BE_SHORT if SHORT_MARK in system else Asked.PLAINLY
        return answer_tokens(self.question, Asked.TO_REVISE if DRAFTS_MARK in system else is_short)

    def _rest(self, options: Options) -> list[tuple[str, str]]:
        """Returns the (field, token) pairs to send: the whole answer, or what follows the beginning in the request."""
        tokens = [("content", token) for token in self._whole()]
        starts_over = self.behaviour.continuing == "anew"
        if self.request.continue_final_message and self.request.messages[-1].role == "assistant" and not starts_over:
            begun = self.request.messages[-1].text
            again = []
            if self.behaviour.continuing == "repeats":
                given = begun.strip()
                again = [("content", given[at : at + PIECE]) for at in range(0, len(given), PIECE)]
            self.repeated = len(again)
            return again + self._after(begun, tokens, options)
        thinking = thinking_about(self.question) if self.thinks else None
        if thinking is None:
            return tokens
        if options.reasoning_parser:
            shown = [("reasoning", token) for token in tokens_of(thinking)] if self.request.include_reasoning else []
            return [*shown, ("content", "\n\n"), *tokens]
        return [("content", token) for token in tokens_of(f"<think>{thinking}</think>\n\n")] + tokens

    def _after(self, begun: str, tokens: list[tuple[str, str]], options: Options) -> list[tuple[str, str]]:
        """Returns what follows ``begun``; if that ends inside a token, the token's rest first."""
        begun = begun.rpartition("</think>")[2]
        lead = "\n\n" if begun.startswith("\n\n") else ""  # separates thinking and answer
        text = lead + "".join(token for _, token in tokens)
        if not text.startswith(begun) and (counted := COUNTED.search(begun)):
            numbers = range(int(counted[1]) + 1, int(counted[1]) + COUNTS_ON)
            return [("content", token) for token in tokens_of("".join(f", {number}" for number in numbers))]
        if not text.startswith(begun):
            if options.strict_continuation:
                raise WireError(400, "The final message is no beginning of this model's answer.")
            return [("content", token) for token in tokens_of("\n\nI go on from here, in my own words.")]
        return [("content", token) for token in continued(tokens, len(begun) - len(lead))]


def continued(tokens: list[tuple[str, str]], length: int) -> list[str]:
    rest: list[str] = []
    for _, token in tokens:
        if length >= len(token):
            length -= len(token)
        else:
            rest.append(token[max(length, 0) :])
            length = 0
    return rest


def check(request: ChatRequest, options: Options) -> None:
    if request.model is not None and request.model not in options.models:
        known = ", ".join(options.models)
        message = f"The model `{request.model}` does not exist. Valid aliases: {known}."
        raise WireError(404, message, "NotFoundError", "model")
    limit = request.max_completion_tokens or request.max_tokens
    both = "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
    without_stream = "Stream options can only be defined when `stream=True`."
    too_many = f"max_tokens={limit} cannot be greater than max_model_len={options.max_model_len}. Please request fewer "
    refusals: list[tuple[bool, str, str | None]] = [
        (not request.messages, "Please provide at least one message.", None),
        (request.n != 1, "The demo gives one answer: n must be 1.", "n"),
        (request.stream_options is not None and not request.stream, without_stream, "stream_options"),
        (request.continue_final_message and request.add_generation_prompt, both, None),
        (
            (request.temperature or 0) < 0,
            f"temperature must be non-negative, got {request.temperature}.",
            "temperature",
        ),
        (
            request.top_p is not None and not 0 < request.top_p <= 1,
            f"top_p must be in (0, 1], got {request.top_p}.",
            "top_p",
        ),
        (limit is not None and limit < 1, f"max_tokens must be at least 1, got {limit}.", "max_tokens"),
        ((limit or 0) > options.max_model_len, f"{too_many}output tokens.", "max_tokens"),
    ]
    for refused, message, param in refusals:
        if refused:
            raise WireError(400, message, param=param)
