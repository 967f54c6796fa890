"""The site: settings, URLs, and the Celery application, imported here because every sender of tasks needs it."""

from chatsite.celery import app as celery_app

__all__ = ["celery_app"]
