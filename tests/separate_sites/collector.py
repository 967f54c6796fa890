"""An OpenTelemetry collector that keeps what it is sent: OTLP over HTTP, decoded by the protocol's own classes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE_S = 60.0


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


class Collector(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.spans: list[tuple[str, Span]] = []  # with the name of the process
        self._more = Condition()
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, body: bytes) -> None:
        with self._more:
            self.bodies.append(body)
            for told in ExportTraceServiceRequest.FromString(body).resource_spans:
                process = {one.key: one.value.string_value for one in told.resource.attributes}["throughline.process"]
                self.spans += [(process, span) for scope in told.scope_spans for span in scope.spans]
            self._more.notify_all()

    def trace(self, generation: str, is_whole: Callable[[dict[str, Span]], bool]) -> dict[str, Span]:
        """The spans of a generation by name, the latest of each, as soon as they are all there."""

        def found() -> dict[str, Span]:
            return {span.name: span for _, span in self.spans if span.trace_id == UUID(generation).bytes}

        with self._more:
            assert self._more.wait_for(lambda: is_whole(found()), PATIENCE_S), sorted(found())
            return found()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
