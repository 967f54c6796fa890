"""What happens live: sockets, logs, workers, model servers."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    name = "streaming"
    verbose_name = "Streaming"

    def ready(self) -> None:
        from streaming.coordination import broadcast
        from streaming.operations.health import checks  # noqa: F401 - registers itself; models can be imported only now

        broadcast.listen()
