"""What Celery runs. Each task is one call: the work is done by the modules that own it."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.management import call_command

from conversations import site_time
from conversations.models import AccountDeletion, AlertEpisode, Conversation
from conversations.models.billing import settling
from conversations.models.operations import history, recording
from streaming.coordination import dispatch, erasure
from streaming.coordination.redis_clients import sync_client
from streaming.model_servers import probes
from streaming.operations.alerts import watch
from streaming.telemetry import beat, correlation, gauges  # noqa: F401
from streaming.worker import (
    process,  # noqa: F401 - it and beat have signals of their own
    titles,
)
from streaming.worker.runner import runner

logger = logging.getLogger(__name__)

DELETES_FOR_S = 30.0  # half of the time until the next sweep


@shared_task(name="streaming.tasks.generate")
def generate(*_: object) -> None:
    """Run answers one after the other, as long as any waits; each has its conversation named if it has no title yet.

    So a place that gets free is taken at once, and by whoever's turn it is. Earlier versions named a generation.
    """
    while (ran := runner().run_next_blocking()) is not None:
        if ran.status is not None:
            with correlation.about(generation=ran.generation):
                name_conversation.delay(str(ran.generation))


@shared_task(name="streaming.tasks.sweep")
def sweep() -> None:
    if sent := dispatch.sweep(sync_client()):
        logger.info("%d queued answers could run; waking workers", sent)


@shared_task(name="streaming.tasks.name_conversation")
def name_conversation(generation_id: str) -> None:
    """Name the conversation that this generation answered in."""
    with correlation.about(generation=generation_id):
        try:
            titles.name_conversation(UUID(generation_id), runner())
        except CancelledError:  # this process ends: another one names it
            name_conversation.delay(generation_id)


@shared_task(name="streaming.tasks.probe_model_servers")
def probe_model_servers() -> None:
    with suppress(CancelledError):  # this process ends; the next probe comes soon
        probes.store(runner().await_blocking(probes.probe_each))


@shared_task(name="streaming.tasks.warm_likely")
def warm_likely() -> None:
    """A chat page was opened."""
    with suppress(CancelledError):  # this process ends
        runner().warm_likely_blocking()


@shared_task(name="streaming.tasks.purge_deleted")
def purge_deleted() -> None:
    """Forget for good what users deleted long enough ago, once the history has it; and old figures and alerts."""
    recording.record_ended(timedelta(0))
    history.purge(site_time.now())
    AlertEpisode.objects.all().forget_old()
    limit = site_time.now() - timedelta(days=settings.DELETED_KEPT_DAYS)
    logger.info("purged %d conversations", Conversation.objects.deleted_before(limit).purge())


@shared_task(name=dispatch.LEAVE)
def delete_accounts() -> None:
    """Those that administrators have deleted, with all that is their people's."""
    if count := AccountDeletion.objects.all().finish(DELETES_FOR_S):
        logger.info("deleted %d accounts", count)


@shared_task(name="streaming.tasks.finish_erasures")
def finish_erasures() -> None:
    """What a process that was writing, or one that ended, has left of erased conversations."""
    if count := erasure.finish():
        logger.info("erased all data of %d conversations", count)


@shared_task(name="streaming.tasks.forget_expired")
def forget_expired() -> None:
    """Sessions that have ended."""
    call_command("clearsessions")


@shared_task(name="streaming.tasks.record_history")
def record_history() -> None:
    """What ended since the last time, and what the gauges read now."""
    recording.record_ended()
    gauges.sample()


@shared_task(name="streaming.tasks.settle_ended")
def settle_ended() -> None:
    """What answers cost that ended, and that nobody settled."""
    if settled := settling.settle_ended():
        logger.info("settled %d stages of answers that had ended", settled)


@shared_task(name="streaming.tasks.watch_alerts")
def watch_alerts() -> None:
    """Compare the figures with the rules, and send what is due."""
    watch.note_watch()
    watch.watch()
