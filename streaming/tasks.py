"""Celery's tasks. The modules that own the work do it."""

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

DELETES_FOR_S = 30.0  # half the time until the next run


@shared_task(name="streaming.tasks.generate")
def generate(*_: object) -> None:
    """Runs queued answers one after the other until none waits; names each conversation that has no title yet.

    So a slot that becomes free is used at once, by the next in the queue. Earlier versions passed a generation's id.
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
    with correlation.about(generation=generation_id):
        try:
            titles.name_conversation(UUID(generation_id), runner())
        except CancelledError:  # this process is shutting down; another one names it
            name_conversation.delay(generation_id)


@shared_task(name="streaming.tasks.probe_model_servers")
def probe_model_servers() -> None:
    with suppress(CancelledError):  # this process is shutting down; the next probe comes soon
        probes.store(runner().await_blocking(probes.probe_each))


@shared_task(name="streaming.tasks.warm_likely")
def warm_likely() -> None:
    """Sent when a chat page was opened."""
    with suppress(CancelledError):  # this process is shutting down
        runner().warm_likely_blocking()


@shared_task(name="streaming.tasks.purge_deleted")
def purge_deleted() -> None:
    """Purges conversations deleted more than DELETED_KEPT_DAYS ago, once the history has them; old history and alerts,
    too."""
    recording.record_ended(timedelta(0))
    history.purge(site_time.now())
    AlertEpisode.objects.all().forget_old()
    limit = site_time.now() - timedelta(days=settings.DELETED_KEPT_DAYS)
    logger.info("purged %d conversations", Conversation.objects.deleted_before(limit).purge())


@shared_task(name=dispatch.LEAVE)
def delete_accounts() -> None:
    """Finishes deleting the accounts that administrators deleted, with all their data."""
    if count := AccountDeletion.objects.all().finish(DELETES_FOR_S):
        logger.info("deleted %d accounts", count)


@shared_task(name="streaming.tasks.finish_erasures")
def finish_erasures() -> None:
    """Erases what processes that were still writing, or that ended, left of erased conversations."""
    if count := erasure.finish():
        logger.info("erased all data of %d conversations", count)


@shared_task(name="streaming.tasks.forget_expired")
def forget_expired() -> None:
    """Deletes expired sessions."""
    call_command("clearsessions")


@shared_task(name="streaming.tasks.record_history")
def record_history() -> None:
    """Records the answers that ended since the last run, and samples the gauges."""
    recording.record_ended()
    gauges.sample()


@shared_task(name="streaming.tasks.settle_ended")
def settle_ended() -> None:
    """Settles the ledger for ended answers that no worker settled."""
    if settled := settling.settle_ended():
        logger.info("settled %d stages of answers that had ended", settled)


@shared_task(name="streaming.tasks.watch_alerts")
def watch_alerts() -> None:
    """Compares the measurements with the alert rules, and sends the alerts that are due."""
    watch.note_watch()
    watch.watch()
