"""The Celery application: `celery -A chatsite.celery worker` and `beat`."""

import os

from celery import Celery

from chatsite import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

broker.register()
app = Celery("throughline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["streaming"])
