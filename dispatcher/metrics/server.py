"""Serves the metrics of a worker or watcher on a port of their own, in daemon threads.

It is no part of the process' work: a scrape that is slow or never ends holds nothing up, and only so many run
at a time. It logs no request: a port that is scanned must not fill the disk.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any

import structlog

from dispatcher.domain.errors import UsageError
from dispatcher.metrics.registry import Registry

AT_ONCE = 4
"""Connections; one more is closed."""
WITHIN = 15.0
"""Seconds after which a connection is closed, whatever it has sent or taken by then."""

log = structlog.get_logger()


class MetricsServer(ThreadingMixIn, HTTPServer):
    """Listens at once; `start` serves. Raises UsageError where it cannot listen."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, registry: Registry, host: str, port: int, within: float = WITHIN) -> None:
        self.registry, self._within = registry, within
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Scrape)
        except OSError as error:
            raise UsageError(
                f"cannot serve metrics on {host}, port {port} ({error.strerror or error}): "
                "choose another with DISPATCHER_METRICS_HOST and DISPATCHER_METRICS_PORT"
            ) from None

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics", address=str(self.server_address[0]), port=self.port)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to spare
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        late = threading.Timer(self._within, _cut(request))
        late.daemon = True
        late.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            late.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is nothing to tell."""
        log.debug("metrics request failed", exc_info=True)


def _cut(request: socket.socket) -> Callable[[], None]:
    def cut() -> None:
        try:
            request.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended

    return cut


class _Scrape(BaseHTTPRequestHandler):
    server: MetricsServer

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "Metrics are at /metrics")
            return
        try:
            text, content_type = self.server.registry.scraped(self.headers.get("Accept", ""))
        except Exception:
            log.exception("metrics could not be collected")
            self.send_error(500, "See the log of this process")
            return
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def version_string(self) -> str:
        """No versions to whoever asks."""
        return "git-dispatcher"

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is nothing to log."""
