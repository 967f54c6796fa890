"""`manage.py measure_answers`: asks this running site, and prints what its answers took and cost. They cost money.

docs/answers.md has tables of it. The conversations are deleted afterwards; the ledger keeps what they cost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum

from conversations.models import Conversation, Generation, LedgerEntry
from conversations.models.billing.ledger import Purpose
from conversations.models.catalog.pipeline import Mode
from conversations.models.chat.asking import ConversationError, Request
from conversations.models.generation.generation import Status
from streaming.coordination.dispatch import dispatch
from streaming.management.arguments import positive
from streaming.planning import budgets
from streaming.planning.tiers import current_tiers

from .evaluate_router import LABELLED, read

LOOK_INTERVAL_S = 0.2
PATIENCE_S = 600.0  # for one answer
SUMS = {name: Sum(name) for name in ("tokens_in", "tokens_out", "cost", "baseline_cost")}


@dataclass(frozen=True)
class Took:
    """Seconds since the question was accepted."""

    first_token: float
    first_of_last_stage: float
    whole: float


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--question", default="", help="ask this one, instead of the trace")
        parser.add_argument("--times", type=positive(int), default=3, help="how often the one question is asked")
        parser.add_argument("--file", type=Path, default=LABELLED, help="the trace: one JSON object a line")
        parser.add_argument("--limit", type=positive(int), default=200, help="held-out questions of the trace")
        parser.add_argument("--at-once", type=positive(int), default=1, help="answers that are made side by side")
        parser.add_argument("--mode", choices=Mode.values, default=Mode.AUTO)
        parser.add_argument("--model", default="", help="slug of the tier that shall write all of it")
        parser.add_argument("--user", default="", help="who pays; default: the first superuser")

    def handle(self, *args: Any, **options: Any) -> None:
        self._request = {"mode": options["mode"], "tier": known(options["model"]), "fresh": True}
        self._user = payer(options["user"])
        asked = list(self._ask_all(questions_of(options), max(1, options["at_once"])))
        for line in report([pk for pk in asked if pk]):
            self.stdout.write(line)

    def _ask_all(self, questions: Sequence[str], at_once: int) -> Iterator[UUID]:
        running: list[UUID] = []
        for question in questions:
            while len(running) >= at_once:
                running = still_running(running)
            generation = self._ask(question)
            running.append(generation.pk)
            yield generation.pk
        while running:
            running = still_running(running)

    def _ask(self, question: str) -> Generation:
        try:
            generation = Conversation.begin(self._user, question, Request(uuid4(), **self._request))
            budgets.check(generation)
        except ConversationError as error:
            raise CommandError(str(error)) from error
        dispatch(generation)
        return generation


def questions_of(options: dict[str, Any]) -> list[str]:
    if options["question"]:
        return [options["question"]] * options["times"]
    return [question.text for question in read(options["file"]) if question.part == "held_out"][: options["limit"]]


def known(slug: str) -> str:
    slugs = [tier.slug for tier in current_tiers()]
    if slug and slug not in slugs:
        raise CommandError(f"There is no tier “{slug}”. There are: {', '.join(slugs)}.")
    return slug


def payer(name: str) -> AbstractBaseUser:
    users = get_user_model().objects.order_by("pk")
    user = users.filter(username=name).first() if name else users.filter(is_superuser=True).first()
    if user is None:
        raise CommandError(f"There is no user “{name}”." if name else "There is no superuser: name a --user.")
    return user


def still_running(ids: list[UUID]) -> list[UUID]:
    """Waits LOOK_INTERVAL_S first. Raises CommandError if an answer takes longer than PATIENCE_S."""
    time.sleep(LOOK_INTERVAL_S)
    found = list(Generation.objects.unfinished().filter(pk__in=ids))
    waited = max((time.time() - generation.accepted_at.timestamp() for generation in found), default=0.0)
    if waited > PATIENCE_S:
        raise CommandError(f"An answer is not there after {PATIENCE_S:g} s: does the site run, with a worker?")
    return [generation.pk for generation in found]


def report(asked: Sequence[UUID]) -> Iterator[str]:
    """Also deletes the conversations."""
    generations = list(Generation.objects.filter(pk__in=asked).select_related("message__conversation"))
    for generation in generations:
        generation.message.conversation.delete_softly()
    done = [took(generation) for generation in generations if generation.status == Status.DONE]
    yield f"{len(done)} of {len(asked)} answers complete"
    if not done:
        return
    yield f"first token, median:               {median(one.first_token for one in done):8.2f} s"
    yield f"first token of the last stage:     {median(one.first_of_last_stage for one in done):8.2f} s"
    yield f"whole answer, median:              {median(one.whole for one in done):8.2f} s"
    spent = LedgerEntry.objects.filter(generation_id__in=asked, purpose=Purpose.ANSWER).aggregate(**SUMS)
    yield f"tokens in, out:                    {spent['tokens_in'] or 0:,}, {spent['tokens_out'] or 0:,}"
    yield f"cost:                              {spent['cost'] or 0:.6f} {settings.BUDGET_CURRENCY}"
    yield f"the same tokens, strongest tier:   {spent['baseline_cost'] or 0:.6f} {settings.BUDGET_CURRENCY}"


def took(generation: Generation) -> Took:
    """Durations of a complete answer."""
    firsts = [outcome.first_token_s for _, outcome in sorted(generation.stage_results.items())]
    known = [first for first in firsts if first is not None]
    assert generation.duration is not None
    whole = generation.duration.total_seconds()
    return Took(min(known, default=whole), known[-1] if known else whole, whole)
