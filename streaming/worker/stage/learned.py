"""What is known, and learned, of the server and the model that a stage's request goes to."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings

from conversations.models.generation.plan import PlannedStage
from streaming.cache.answers import Source
from streaming.model_servers.capabilities import NO, REFUSED, YES, Ability, Continuing, probabilities, top_logprobs
from streaming.model_servers.pool import ModelServers, Route
from streaming.model_servers.trial import Finding
from streaming.model_servers.vllm.client import WHOLE_ANSWER_TIMEOUT_S, ModelServer, Patience
from streaming.planning.prompts import Prompt, request_body

from .intake import Intake

MOMENT_S = 1.0

Refused = dict[tuple[ModelServer, str], dict[Ability, str]]  # by server and model: what it can do without them


class Abilities:
    """Made for each request."""

    def __init__(self, servers: ModelServers, target: Route, refused: Refused, *, streams: bool):
        """``streams``: a stream is wanted. ``refused``: what servers seem to have refused this answer."""
        self._trials = servers.trials
        self._known = servers.capabilities
        self._target = target
        self._about = target.server, target.model
        self._refused = refused.setdefault(self._about, {})
        self.refuses_streams = streams and self._value(Ability.STREAMING) == NO
        self.streams = streams and not self.refuses_streams
        self.asks_usage = self.streams and self._value(Ability.USAGE) != REFUSED
        self.top_logprobs = top_logprobs(self._value(Ability.PROBABILITIES)) if settings.MEASURE_CONFIDENCE else None

    def body(self, prompt: Prompt, stage: PlannedStage, begun: str, max_tokens: int) -> dict[str, Any]:
        """The request, as the server understands it."""
        return request_body(
            prompt,
            stage,
            self._target,
            begun,
            max_tokens,
            stream=self.streams,
            usage=self.asks_usage,
            top_logprobs=self.top_logprobs,
        )

    @property
    def patience(self) -> Patience:
        """As ChatStream has it."""
        tier = self._target.tier
        first_token_s = tier.first_token_timeout_s if self.streams else WHOLE_ANSWER_TIMEOUT_S
        return Patience(first_token_s, tier.silence_timeout_s)

    # How it goes on from a text

    @property
    def continuing(self) -> Continuing:
        """As far as is known."""
        return self._known.continuing(*self._about, streams=self.streams)

    def find_out(self) -> Finding:
        """How it goes on, by a request beside the answer's."""
        return self._trials.continuing(*self._about, streams=self.streams)

    async def found(self, finding: Finding, closed: asyncio.Event) -> Continuing:
        """What is found out; soon what is known, if a server with few places has the trial wait behind the answer."""
        closing = asyncio.create_task(closed.wait())
        patience = MOMENT_S if self.continuing else None
        await asyncio.wait({finding, closing}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        return finding.result() if finding.done() else self.continuing

    # What an answer showed

    def ask_less(self, refusal: str) -> bool:
        """True if the next request will not ask for what was refused with these words.

        They may mean something else, or quote the question: it is learned once it helped to ask for less.
        """
        refusal = refusal.lower()
        if "logprob" in refusal and self.top_logprobs is not None:
            self._refused[Ability.PROBABILITIES] = probabilities(self.top_logprobs, told=False)
        elif "stream_options" in refusal and self.asks_usage:
            self._refused[Ability.USAGE] = REFUSED
        elif "stream" in refusal and self.streams:
            self._refused[Ability.STREAMING] = NO
        else:
            return False
        return True

    def learn(self, source: Source, intake: Intake) -> None:
        """From an answer that has come to its end."""
        if source.server != self._target.server or source.is_shared or not intake.pieces:
            return
        for ability, value in self._refused.items():
            self._known.learn(*self._about, ability, value)
        if self.top_logprobs is not None:
            told = probabilities(self.top_logprobs, told=intake.had_probabilities)
            self._known.learn(*self._about, Ability.PROBABILITIES, told)
        if self.asks_usage:
            self._known.learn(*self._about, Ability.USAGE, YES if intake.had_usage else NO)
        if self.streams and intake.pieces > 1:
            self._known.learn(*self._about, Ability.STREAMING, YES)

    def _value(self, ability: Ability) -> str:
        return self._refused.get(ability) or self._known.value(*self._about, ability)
