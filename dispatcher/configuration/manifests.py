"""A user's Job manifest: read, and checked for what git-dispatcher sets itself or cannot live with.

What Kubernetes would refuse anyway is left to Kubernetes, except where the mistake is common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher.configuration.documents import BYTES, Document, read_document
from dispatcher.configuration.mistakes import Location, Mistake, Mistaken, show
from dispatcher.configuration.secret import read_file, why

RESERVED = frozenset(
    {"GIT_URL", "GIT_COMMIT", "GIT_REF", "GIT_BRANCH", "GIT_TAG", "GIT_BEFORE"}
    | {"DEPLOY_TARGET", "DEPLOY_NUMBER", "DEPLOY_ID", "DEPLOY_REASON", "DEPLOY_ATTEMPT"}
    | {"DEPLOY_INSTANCE", "WORKSPACE"},
)
"""Environment variables that every container gets; no configuration may set them."""

OURS = "git-dispatcher/"
"""Prefix of our labels and annotations."""

INTERRUPTIBLE = "git-dispatcher/interruptible"
"""The one annotation of ours that is the user's to set."""

_SPEC: Location = ("spec",)
_POD: Location = ("spec", "template", "spec")


@dataclass(frozen=True)
class Manifest:
    """A checked `batch/v1` Job and the file that it came from."""

    file: str
    document: dict[str, Any]


def read_manifest(path: Path) -> Manifest:
    """Raise Mistaken with all mistakes in it."""
    file = str(path)
    try:
        content = read_file(path, BYTES)
    except OSError as error:
        raise Mistaken(Mistake(file, 0, "", f"{why(error)}; write the Job there")) from None
    document = read_document(content, file)
    mistakes = (*document.mistakes, *check_manifest(document))
    if mistakes:
        raise Mistaken(*mistakes)
    return Manifest(file, document.data)


def check_manifest(document: Document) -> tuple[Mistake, ...]:
    """Every mistake in a Job manifest; empty when it can be used."""
    data = document.data
    if not isinstance(data, dict) or (data.get("apiVersion"), data.get("kind")) != (
        "batch/v1",
        "Job",
    ):
        text = "is not a Job; it has to say `apiVersion: batch/v1` and `kind: Job`"
        return (document.mistake((), text),)
    found = [*_shape(data), *_rules(data)]
    if not found:
        found = [*_metadata(data), *_containers(data)]
    return tuple(document.mistake(location, text) for location, text in found)


Found = tuple[Location, str]


def _shape(data: dict[str, Any]) -> Iterator[Found]:
    for location in (_SPEC, (*_SPEC, "template"), _POD):
        if not isinstance(_at(data, location), dict):
            yield location, "is missing or not a mapping; a Job needs it"
            return
    for location in (("metadata",), ("spec", "template", "metadata")):
        if not isinstance(_at(data, location) or {}, dict):
            yield location, "is not a mapping; write `name: value` lines below it"
    containers = _at(data, (*_POD, "containers"))
    if not isinstance(containers, list) or not containers:
        yield (*_POD, "containers"), "is missing or not a list; list at least one container"
    for name in ("initContainers", "volumes", "imagePullSecrets"):
        if not isinstance(_at(data, (*_POD, name)) or [], list):
            yield (*_POD, name), "is not a list; start each element with a dash"


@dataclass(frozen=True)
class _Rule:
    """A field that may only hold certain values, and what to do instead."""

    location: Location
    remedy: str
    allows: Callable[[Any], bool] = lambda value: False


_RULES = (
    _Rule(("status",), "is written by Kubernetes; remove it"),
    _Rule(("metadata", "namespace"), "is the target's `namespace`; remove it"),
    _Rule((*_SPEC, "suspend"), "would never start; remove it", lambda value: value is False),
    _Rule((*_SPEC, "selector"), "is made by Kubernetes; remove it"),
    _Rule((*_SPEC, "manualSelector"), "is not supported; remove it", lambda value: value is False),
    _Rule((*_SPEC, "managedBy"), "hands the Job to another controller; remove it"),
    _Rule((*_SPEC, "activeDeadlineSeconds"), "is the job's `timeout` in the target; move it there"),
    _Rule((*_SPEC, "backoffLimit"), "is the job's `retries` in the target; move it there"),
    _Rule(
        (*_SPEC, "ttlSecondsAfterFinished"),
        "would clear the Job away too early; remove it and use the target's `keep_failed_for`",
    ),
    _Rule(
        (*_SPEC, "podReplacementPolicy"),
        "has to be Failed, so that two Pods never run at once; remove it",
        lambda value: value == "Failed",
    ),
    _Rule((*_POD, "activeDeadlineSeconds"), "is the job's `timeout` in the target; move it there"),
    _Rule(
        (*_POD, "restartPolicy"),
        "has to be Never; remove it and use the job's `retries` in the target",
        lambda value: value == "Never",
    ),
)


def _rules(data: dict[str, Any]) -> Iterator[Found]:
    """What `kubectl create --dry-run -o yaml` leaves behind (`status: {}`, nulls) is no mistake."""
    for rule in _RULES:
        value = _at(data, rule.location)
        if value not in (None, {}) and not rule.allows(value):
            yield rule.location, rule.remedy


_METADATA = frozenset({"name", "generateName", "namespace", "labels", "annotations"})


def _metadata(data: dict[str, Any]) -> Iterator[Found]:
    for location in (("metadata",), ("spec", "template", "metadata")):
        metadata: dict[str, Any] = _at(data, location) or {}
        for name, value in metadata.items():
            if value is not None and name not in _METADATA:
                yield (*location, name), "cannot be taken over; only labels and annotations are"
        for kind in ("labels", "annotations"):
            yield from _words(metadata.get(kind) or {}, (*location, kind))


def _words(words: Any, location: Location) -> Iterator[Found]:
    if not isinstance(words, dict):
        yield location, "is not a mapping; write `name: value` lines below it"
        return
    for name, value in words.items():
        mine = location[-1] == "annotations" and name == INTERRUPTIBLE
        if name.startswith(OURS) and not mine:
            yield (*location, name), f"is set by git-dispatcher, as all of {OURS}; remove it"
        elif not isinstance(value, str):
            yield (*location, name), f'{show(value)} is not a text; put it in quotes: "{value}"'


def _containers(data: dict[str, Any]) -> Iterator[Found]:
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(_at(data, (*_POD, kind)) or []):
            location = (*_POD, kind, index)
            if not isinstance(container, dict):
                yield location, "is not a mapping; a container has a name and an image"
                continue
            for name in ("name", "image"):
                if not isinstance(container.get(name), str) or not container[name]:
                    yield (*location, name), "is missing or not a text; a container needs it"
            yield from _env(container.get("env") or [], (*location, "env"))
            if not isinstance(container.get("volumeMounts") or [], list):
                yield (*location, "volumeMounts"), "is not a list; start each mount with a dash"


def _env(entries: Any, location: Location) -> Iterator[Found]:
    if not isinstance(entries, list):
        yield location, "is not a list; start each variable with a dash"
        return
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            yield (*location, index), "has no name; write `- {name: …, value: …}`"
        elif entry["name"] in RESERVED:
            text = f"{entry['name']} is set by git-dispatcher; take another name"
            yield (*location, index), text
        elif not isinstance(entry.get("value", ""), str | None):
            yield (*location, index, "value"), "is not a text; put it in quotes"


def _at(data: Any, location: Location) -> Any:
    for part in location:
        if not isinstance(data, dict):
            return None
        data = data.get(str(part))
    return data
