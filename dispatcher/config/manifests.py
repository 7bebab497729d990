"""Reads a user's Job manifest and refuses what git-dispatcher sets itself or cannot support.

Leaves to Kubernetes what Kubernetes refuses anyway, except for common mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatcher.config.documents import BYTES, Document, read_document
from dispatcher.config.jobspec import (
    BY_JOB_CONTROLLER,
    POD,
    SPEC,
    TEMPLATE,
    Found,
    at,
    restart_mistakes,
    rule_mistakes,
    unknown_fields,
)
from dispatcher.config.mistakes import Location, Mistake, MistakesFound, show
from dispatcher.config.privileges import privileges
from dispatcher.domain.job_contract import INTERRUPTIBLE, OURS, RESERVED
from dispatcher.files import read_file, why


@dataclass(frozen=True)
class Manifest:
    """A checked `batch/v1` Job and the file that it came from."""

    file: str
    document: dict[str, Any]
    warnings: tuple[Mistake, ...] = ()
    """Fields that are allowed but risky."""


def read_manifest(path: Path) -> Manifest:
    """Raise MistakesFound with all mistakes in it."""
    file = str(path)
    try:
        content = read_file(path, BYTES)
    except OSError as error:
        raise MistakesFound(Mistake(file, 0, "", f"{why(error)}; write the Job there")) from None
    document = read_document(content, file)
    mistakes = (*document.mistakes, *check_manifest(document))
    if mistakes:
        raise MistakesFound(*mistakes)
    return Manifest(file, document.data, manifest_warnings(document))


def check_manifest(document: Document) -> tuple[Mistake, ...]:
    """Every mistake in a Job manifest; empty when it can be used."""
    data = document.data
    if not isinstance(data, dict) or (data.get("apiVersion"), data.get("kind")) != (
        "batch/v1",
        "Job",
    ):
        text = "is not a Job; write `apiVersion: batch/v1` and `kind: Job`"
        return (document.mistake((), text),)
    found = [*_shape(data), *rule_mistakes(data)]
    if not found:
        found = [*_metadata(data), *_containers(data)]
    return tuple(document.mistake(location, text) for location, text in found)


def manifest_warnings(document: Document) -> tuple[Mistake, ...]:
    """The warnings about a manifest that has no mistakes."""
    return tuple(document.mistake(location, text) for location, text in _warnings(document.data))


def _warnings(data: dict[str, Any]) -> Iterator[Found]:
    pod = at(data, POD)
    for location, gives in privileges(data):
        yield (
            location,
            f"{gives}, and so gives it to everyone who can push; remove it if the Job does not need it",
        )
    if pod.get("schedulingGates"):
        text = "hold its Pods until a controller removes the gates; remove them if none does"
        yield (*POD, "schedulingGates"), text
    account = (pod.get("serviceAccountName"), pod.get("automountServiceAccountToken"))
    if pod.get("serviceAccount") and account == (None, None):
        text = "is deprecated, and no API token is mounted with it; write serviceAccountName"
        yield (*POD, "serviceAccount"), text
    yield from unknown_fields(data)


def _shape(data: dict[str, Any]) -> Iterator[Found]:
    for location in (SPEC, TEMPLATE, POD):
        if not isinstance(at(data, location), dict):
            yield location, "is missing or not a mapping; add it, every Job has one"
            return
    for location in (("metadata",), ("spec", "template", "metadata")):
        if not isinstance(at(data, location) or {}, dict):
            yield location, "is not a mapping; write `name: value` lines below it"
    containers = at(data, (*POD, "containers"))
    if not isinstance(containers, list) or not containers:
        yield (*POD, "containers"), "is missing or not a list; list at least one container"
    for name in ("initContainers", "volumes", "imagePullSecrets"):
        if not isinstance(at(data, (*POD, name)) or [], list):
            yield (*POD, name), "is not a list; start each element with a dash"
            return
    yield from _mappings(at(data, (*POD, "volumes")), (*POD, "volumes"), "a volume")


def _mappings(elements: Any, location: Location, what: str) -> Iterator[Found]:
    for index, element in enumerate(elements or []):
        if not isinstance(element, dict):
            yield (*location, index), f"is not a mapping; {what} has a name and more"


_METADATA = frozenset({"name", "generateName", "namespace", "labels", "annotations"})


def _metadata(data: dict[str, Any]) -> Iterator[Found]:
    for location in (("metadata",), ("spec", "template", "metadata")):
        metadata: dict[str, Any] = at(data, location) or {}
        for name, value in metadata.items():
            if value is not None and name not in _METADATA:
                yield (
                    (*location, name),
                    "is not supported in a manifest; keep labels and annotations only",
                )
        for kind in ("labels", "annotations"):
            yield from _words(metadata.get(kind) or {}, (*location, kind))


def _words(words: Any, location: Location) -> Iterator[Found]:
    if not isinstance(words, dict):
        yield location, "is not a mapping; write `name: value` lines below it"
        return
    for name, value in words.items():
        mine = location[-1] == "annotations" and name == INTERRUPTIBLE
        if name.removeprefix("batch.kubernetes.io/") in BY_JOB_CONTROLLER:
            yield (*location, name), "is set by Kubernetes; remove it"
        elif name.startswith(OURS) and not mine:
            yield (
                (*location, name),
                f"is reserved for git-dispatcher, like all of {OURS}; remove it",
            )
        elif not isinstance(value, str):
            yield (*location, name), f'{show(value)} is not text; put it in quotes: "{value}"'


def _containers(data: dict[str, Any]) -> Iterator[Found]:
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(at(data, (*POD, kind)) or []):
            location = (*POD, kind, index)
            if not isinstance(container, dict):
                yield location, "is not a mapping; a container has a name and an image"
                continue
            for name in ("name", "image"):
                if not isinstance(container.get(name), str) or not container[name]:
                    yield (*location, name), "is missing or not text; add it to the container"
            yield from _env(container.get("env") or [], (*location, "env"))
            yield from restart_mistakes(container, location, init=kind == "initContainers")
            mounts, place = container.get("volumeMounts") or [], (*location, "volumeMounts")
            if not isinstance(mounts, list):
                yield place, "is not a list; start each mount with a dash"
                continue
            yield from _mappings(mounts, place, "a mount")


def _env(entries: Any, location: Location) -> Iterator[Found]:
    if not isinstance(entries, list):
        yield location, "is not a list; start each variable with a dash"
        return
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            yield (*location, index), "has no name; write `- {name: …, value: …}`"
        elif entry["name"] in RESERVED:
            text = f"{entry['name']} is set by git-dispatcher; choose another name"
            yield (*location, index), text
        elif not isinstance(entry.get("value", ""), str | None):
            yield (*location, index, "value"), "is not text; put it in quotes"
