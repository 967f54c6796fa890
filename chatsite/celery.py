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
    """Checks the settings before any part of Celery reads them, such as its command line."""
    # Not at the top: reading the settings imports this package.
    from chatsite.refusals import check_start

    check_start()
