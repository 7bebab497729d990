"""The section `logs`: where people find the logs of Pods that are not in the cluster any more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator

from dispatcher.config.jobs import Settings
from dispatcher.config.mistakes import show
from dispatcher.domain.deploy import Deploy

PLACEHOLDERS = ("namespace", "job", "pod", "target", "number", "commit", "from", "to")
_PLACEHOLDER = re.compile(r"{([^{}]*)}")
MARGIN = 60_000
"""Milliseconds before and after a deploy that `from` and `to` take in: clocks differ."""


def _template(text: str) -> str:
    if not text:
        return text
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
    if unknown:
        raise ValueError(f"has no {{{unknown[0]}}}; there are {', '.join(PLACEHOLDERS)}")
    try:
        filled_in = _PLACEHOLDER.sub("x", text)
        parts = urlsplit(filled_in)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and not {"{", "}"} & set(filled_in)
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise ValueError(
            f"{show(text)} is not a URL; write it like https://logs.example.com/?pod={{pod}}"
        )
    return text


class LogSettings(Settings):
    """The section `logs`."""

    url: Annotated[str, AfterValidator(_template)] = ""
    """A template of the address where the log of a deploy is kept."""

    def url_of(self, deploy: Deploy, pod: str = "") -> str:
        """The address for a deploy that has, or had, a Job; "" without one, or where none is configured."""
        if not (self.url and deploy.job):
            return ""
        values = _values(deploy, pod)
        return _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), self.url)


def _values(deploy: Deploy, pod: str) -> Mapping[str, str]:
    began = deploy.starting_at or deploy.created_at
    return {
        "namespace": deploy.namespace,
        "job": deploy.job,
        "pod": pod or deploy.job,  # with which the names of its Pods begin
        "target": deploy.target,
        "number": str(deploy.number),
        "commit": deploy.commit,
        "from": str(max(0, began - MARGIN)),
        "to": str(deploy.ended_at + MARGIN) if deploy.ended_at else "now",
    }
