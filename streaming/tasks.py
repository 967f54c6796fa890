"""What Celery runs. Each task is one call: the work is done by the modules that own it."""

from __future__ import annotations

import gc
import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from redis import Redis

from conversations.models import AlertEpisode, Conversation, history, recording, settling
from streaming import beat, correlation, dispatch, gauges, model_health, titles  # noqa: F401 - beat has signals of its own
from streaming.alerts import watch
from streaming.worker.runner import runner

logger = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 5.0


@shared_task(name="streaming.tasks.generate")
def generate(generation_id: str, dispatched_at: str) -> None:
    """Run one generation to its end, and have its conversation named if it has no title yet."""
    with correlation.about(generation=generation_id):
        if runner().run_blocking(UUID(generation_id), parse_datetime(dispatched_at)) is not None:
            entitle.delay(generation_id)


@shared_task(name="streaming.tasks.sweep")
def sweep() -> None:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT_S) as redis:
        if forsaken := dispatch.sweep(redis):
            logger.info("swept up %d generations", len(forsaken))


@shared_task(name="streaming.tasks.entitle")
def entitle(generation_id: str) -> None:
    """Name the conversation that this generation answered in."""
    with correlation.about(generation=generation_id):
        titles.entitle(UUID(generation_id), runner())


@shared_task(name="streaming.tasks.probe_model_servers")
def probe_model_servers() -> None:
    model_health.store(runner().await_blocking(model_health.probe_each))


@shared_task(name="streaming.tasks.warm_likely")
def warm_likely() -> None:
    """A chat page was opened."""
    runner().warm_likely_blocking()


@shared_task(name="streaming.tasks.purge_deleted")
def purge_deleted() -> None:
    """Forget for good what users deleted long enough ago, once the history has it; and old figures and alerts."""
    recording.record_ended(timedelta(0))
    history.purge(timezone.now())
    AlertEpisode.objects.all().forget_old()
    limit = timezone.now() - timedelta(days=settings.DELETED_KEPT_DAYS)
    logger.info("purged %d conversations", Conversation.objects.deleted_before(limit).purge())


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


@worker_ready.connect
def begin_at_once(**_: object) -> None:
    """A worker that starts looks for what is left undone, without waiting for beat."""
    runner()
    gc.freeze()  # see chatsite/asgi.py
    sweep.delay()
    probe_model_servers.delay()


@worker_shutting_down.connect
def hand_over(**_: object) -> None:
    """SIGTERM: others go on with what runs here."""
    for generation_id in runner().hand_over_blocking():
        dispatch.dispatch(generation_id)
