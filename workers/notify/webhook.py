"""Sends CloudEvents to a URL, signed by Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from dispatcher import __version__
from dispatcher.config import Webhook
from dispatcher.domain.notification import Message
from dispatcher.notifications.answers import Answer, NotTaken, of_status
from dispatcher.notifications.cloudevents import CONTENT_TYPE
from dispatcher.webhooks.standard_webhooks import sign
from workers.notify.sender import keep_addresses_unlogged

MOST_READ = 16 * 1024
"""Bytes of a response that are read, so that the connection can be used again; nobody looks at them."""


class WebhookSender:
    """Sends to one webhook, and follows no redirect: what is sent goes to the configured URL only."""

    def __init__(self, webhook: Webhook, clock: Callable[[], float] = time.time) -> None:
        self._url, self._timeout = webhook.url.reveal().decode(), webhook.timeout
        self._secrets = [secret.reveal() for secret in webhook.secrets]
        self._clock = clock
        keep_addresses_unlogged("httpx", "httpcore")
        parts = urlsplit(self._url)
        self._http = httpx.Client(
            timeout=webhook.timeout,
            follow_redirects=False,
            trust_env=not _is_local(parts.hostname or ""),  # no proxy is asked for this machine
            verify=parts.scheme == "https",  # reading the certificates takes a while
            headers={"User-Agent": f"git-dispatcher/{__version__}"},
        )

    def send(self, message: Message) -> Answer:
        body = message.text.encode()
        headers = sign(self._secrets, message.id, int(self._clock()), body)
        headers["Content-Type"] = CONTENT_TYPE
        try:
            with self._http.stream("POST", self._url, content=body, headers=headers) as response:
                self._read(response)
                retry = response.headers.get("Retry-After", "")
                return of_status(response.status_code, retry, self._clock())
        except httpx.TimeoutException:
            return NotTaken(f"no answer within {self._timeout} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return NotTaken(f"no answer: {error or type(error).__name__}")

    def close(self) -> None:
        self._http.close()

    def _read(self, response: httpx.Response) -> None:
        """The status has been read: a body that is slow, long or cut off does not change it."""
        deadline, size = self._clock() + self._timeout, 0
        try:
            for part in response.iter_raw():
                size += len(part)
                if size > MOST_READ or self._clock() > deadline:
                    return
        except httpx.HTTPError:
            return


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
