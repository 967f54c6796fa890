"""The site: settings, addresses, and the Celery application, which everything that sends tasks needs."""

from chatsite.celery import app as celery_app

__all__ = ["celery_app"]
