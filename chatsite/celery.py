"""The Celery application: `celery -A chatsite.celery worker` and `beat`."""

import os

from celery import Celery

from chatsite.stores import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

broker.register()
app = Celery("throughline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["streaming"])


@app.on_configure.connect
def refuse(**_: object) -> None:
    """Before any part of Celery reads the settings, such as the options of its command line."""
    from chatsite.refusals import check_start  # the settings are read by way of this package, so not sooner

    check_start()
