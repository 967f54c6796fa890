"""The operators' live list of generations, and the button that stops one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from conversations import site_time
from conversations.models import Generation, GenerationTiming
from conversations.models.generation.generation import Status
from conversations.models.generation.timeline import PHASES
from streaming.operations.charts.phases import WIDTH, Span, spans_of
from streaming.operations.health.stuck import RULE, LiveState, live_state_of, problem_of
from streaming.operations.queries.filters import Filters

from .access import for_operators, for_steering
from .fragments import served_as_fragment

logger = logging.getLogger(__name__)

PAGE = 50
LAST_PAGE = 1000
UNFINISHED_AT_MOST = 2000  # examined when only stuck generations are shown


@dataclass(frozen=True)
class Listed:
    """A generation with its live state, for the list and for its own page."""

    generation: Generation
    live_state: LiveState | None  # None: Redis does not answer
    now: datetime

    @property
    def owner(self) -> str:
        return self.generation.message.conversation.owner.get_username()

    @property
    def spans(self) -> list[Span]:
        return spans_of(self.generation)

    @property
    def is_unfinished(self) -> bool:
        return not Status(self.generation.status).is_final

    @property
    def problem(self) -> str:
        return problem_of(self.generation, self.live_state, self.now)

    @property
    def timing(self) -> GenerationTiming | None:
        """None if nothing was measured."""
        return getattr(self.generation, "timing", None)

    @property
    def lag_s(self) -> float | None:
        """Seconds since its last token; None unless it is writing."""
        last = self.generation.last_token_at
        writes = self.generation.status == Status.RUNNING and last is not None
        return max((self.now - last).total_seconds(), 0.0) if writes and last else None

    @property
    def viewers(self) -> int | None:
        """Current viewers, or for an ended generation the most it had at once; None if unknown."""
        if self.is_unfinished:
            return self.live_state.viewers[self.generation.pk] if self.live_state else None
        return self.timing.viewers if self.timing else None

    @property
    def holder(self) -> str:
        """The process that holds the lease; empty if none does, or if unknown."""
        return self.live_state.holders.get(self.generation.pk, "") if self.live_state else ""


@require_safe
@for_operators
@served_as_fragment
def generations(request: HttpRequest) -> HttpResponse:
    filters = Filters(request.GET)
    number = page_number(request)
    rows, has_more = list_page(filters, number)
    context = {
        "live": not filters.looks_at_all,
        "filters": filters,
        "rows": rows,
        "at": site_time.now(),
        "knows_leases": not rows or rows[0].live_state is not None,
        "newer": address(request, number - 1) if number > 1 else "",
        "older": address(request, number + 1) if has_more else "",
        "number": number,
        "rule": RULE,
        "bar_width": WIDTH,
        "phases": PHASES,
    }
    return render(request, "operations/generations.html", context)


@require_POST
@for_steering
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stops it as its owner's Stop does, and records the operator."""
    generation = get_object_or_404(Generation, pk=pk)
    stop_by(request.user, generation)  # type: ignore[arg-type]
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if is_ours else reverse("ops-generation", args=[pk]))


def stop_by(operator: AbstractBaseUser, generation: Generation) -> None:
    was_asked = generation.stop_requested_at is not None
    generation.request_stop(operator)
    generation.refresh_from_db(fields=["stopped_by", "stop_requested_at"])
    if generation.stopped_by_id != operator.pk or was_asked:
        # It had ended, or somebody else was faster.
        return
    logger.info("operator %s stops generation %s", operator.pk, generation.pk)
    LogEntry.objects.log_actions(operator.pk, [generation], CHANGE, "Stopped by an operator.", single_object=True)


def list_page(filters: Filters, number: int) -> tuple[list[Listed], bool]:
    """A page of generations, and whether there are more. One query, and Redis if it answers."""
    first = (number - 1) * PAGE
    if filters.wants_stuck:
        every = [row for row in with_live_state(list(filters.rows()[:UNFINISHED_AT_MOST])) if row.problem]
        return every[first : first + PAGE], len(every) > first + PAGE
    found = list(filters.rows()[first : first + PAGE + 1])
    return with_live_state(found[:PAGE]), len(found) > PAGE


def with_live_state(found: list[Generation]) -> list[Listed]:
    live_state = live_state_of([one.pk for one in found if not Status(one.status).is_final])
    now = site_time.now()
    return [Listed(one, live_state, now) for one in found]


def page_number(request: HttpRequest) -> int:
    """Counts from 1; an invalid number is taken for 1."""
    given = request.GET.get("page", "")
    return min(max(int(given[:10]), 1), LAST_PAGE) if given.isascii() and given.isdecimal() else 1


def address(request: HttpRequest, number: int) -> str:
    """The URL of another page of the same list."""
    fields = request.GET.copy()
    fields["page"] = str(number)
    return f"?{fields.urlencode()}"
