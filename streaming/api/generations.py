"""Generations: read, follow, stop."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja import Header, Router

from conversations.models import Generation, Message
from conversations.models.chat.asking import UnknownMessage
from streaming.chat import clicks
from streaming.coordination.database import in_database
from streaming.coordination.user_limits import limits
from streaming.protocol import LONGEST_POSITION

from .auth import ApiRequest, user_of
from .errors import REFUSALS, NotFound
from .events import MEDIA_TYPE, Stream, response_of
from .reader import has_end
from .schemas import GenerationView, Refusal

EVENTS_SCHEMA = {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "Server-sent events"}

router = Router(tags=["generations"])


@router.get(
    "/{uuid:generation_id}",
    response={200: GenerationView, REFUSALS: Refusal},
    url_name="generation",
    summary="Read a generation",
)
async def read(request: ApiRequest, generation_id: UUID) -> GenerationView:
    """Its state, and its text as stored."""
    return await in_database(view_of, user_of(request), generation_id)


@router.get(
    "/{uuid:generation_id}/events",
    response={REFUSALS: Refusal},
    url_name="events",
    summary="Follow a generation",
    openapi_extra={"responses": {200: EVENTS_SCHEMA, 204: {"description": "Nothing follows: you have the last event"}}},
)
async def events(
    request: ApiRequest,
    generation_id: UUID,
    last_event_id: Annotated[
        str, Header(alias="Last-Event-ID", max_length=LONGEST_POSITION, description="The last `id` that you received.")
    ] = "",
) -> HttpResponseBase:
    """Server-sent events from the beginning, or from what follows Last-Event-ID, to the terminal event."""
    generation = await in_database(found, user_of(request), generation_id)
    if has_end(generation, last_event_id):
        return HttpResponse(status=204)  # tells browsers not to reconnect
    slot = await limits().take_stream(request.auth.user_id)
    return response_of(Stream(request.auth, generation, last_event_id, slot))


@router.post(
    "/{uuid:generation_id}/stop",
    response={200: GenerationView, REFUSALS: Refusal},
    url_name="stop",
    summary="Stop a generation",
)
async def stop(request: ApiRequest, generation_id: UUID) -> GenerationView:
    """The text so far stays. A running generation ends a moment later, as its events show; ended ones are unchanged."""
    user = user_of(request)
    try:
        await clicks.stop(user, generation_id)
    except UnknownMessage as error:
        raise NotFound from error
    return await in_database(view_of, user, generation_id)


def found(user: AbstractBaseUser, generation_id: UUID) -> Generation:
    """With its message. Raises NotFound, also for other users' generations."""
    try:
        return clicks.visible_generation(user, generation_id)
    except UnknownMessage as error:
        raise NotFound from error


def view_of(user: AbstractBaseUser, generation_id: UUID) -> GenerationView:
    generation = found(user, generation_id)
    message = Message.objects.prefetch_related("parts").get(pk=generation.message_id)
    return GenerationView.of(generation, message)
