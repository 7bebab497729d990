"""Waiting for a cluster's objects by list and watch, with a deadline; never by sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from kubernetes import client, watch

SECONDS = 60.0

Objects = dict[str, Any]
Json = dict[str, Any]


def until(
    list_call: Callable[..., Any],
    namespace: str,
    holds: Callable[[Objects], Any],
    *,
    seconds: float = SECONDS,
    **selection: Any,
) -> Objects:
    """The objects by name, as soon as `holds` is true of them."""
    deadline = time.monotonic() + seconds
    found: Objects = {}
    for found in _states(list_call, namespace, deadline, selection):
        if holds(found):
            return found
    raise AssertionError(f"not within {seconds:g} s; the last that was seen: {found}")


def _states(
    list_call: Callable[..., Any], namespace: str, deadline: float, selection: dict[str, Any]
) -> Iterator[Objects]:
    while time.monotonic() < deadline:
        listed = list_call(namespace, **selection)
        objects = {item.metadata.name: item for item in listed.items}
        yield objects
        try:
            for event in events(
                list_call, namespace, deadline, listed.metadata.resource_version, **selection
            ):
                name = event["object"].metadata.name
                if event["type"] == "DELETED":
                    objects.pop(name, None)
                else:
                    objects[name] = event["object"]
                yield objects
        except client.ApiException as error:
            if error.status != 410:
                raise


def stream(call: Callable[..., Any], *args: Any, **options: Any) -> Generator[Json, None, None]:
    """A watch's events; a loop that is left ends it, and so does `closing`."""
    watching: Any = watch.Watch
    yield from watching().stream(call, *args, **options)


def events(
    list_call: Callable[..., Any], namespace: str, deadline: float, version: str, **selection: Any
) -> Iterator[Json]:
    """A watch's events after a version, until the deadline."""
    left = max(1, int(deadline - time.monotonic()))
    yield from stream(
        list_call, namespace, resource_version=version, timeout_seconds=left, **selection
    )


def until_one(
    list_call: Callable[..., Any],
    namespace: str,
    name: str,
    holds: Callable[[Any], Any] = bool,
    *,
    seconds: float = SECONDS,
) -> Any:
    """One object, as soon as it is there and `holds` is true of it."""
    found = until(
        list_call,
        namespace,
        lambda objects: name in objects and holds(objects[name]),
        seconds=seconds,
        field_selector=f"metadata.name={name}",
    )
    return found[name]


def until_gone(
    list_call: Callable[..., Any], namespace: str, name: str, *, seconds: float = SECONDS
) -> None:
    selector = f"metadata.name={name}"
    until(list_call, namespace, lambda found: not found, seconds=seconds, field_selector=selector)


def pods_of(cluster: Any, job: str, holds: Callable[[Objects], Any], **more: Any) -> Objects:
    """A Job's Pods by name, as soon as `holds` is true of them."""
    call = cluster.core.list_namespaced_pod
    selector = f"batch.kubernetes.io/job-name={job}"
    return until(call, cluster.namespace, holds, label_selector=selector, **more)


def first_pod(cluster: Any, job: str, *phases: str) -> Any:
    """A Job's Pod, as soon as there is one in one of these phases; by default running."""
    wanted = phases or ("Running",)

    def in_phase(found: Objects) -> list[Any]:
        return [each for each in found.values() if each.status.phase in wanted]

    return in_phase(pods_of(cluster, job, in_phase))[0]


def finished_job(cluster: Any, name: str) -> Any:
    """A Job, as soon as it is complete or has failed."""
    call = cluster.batch.list_namespaced_job
    return until_one(call, cluster.namespace, name, lambda job: outcome(job) is not None)


def finished_pod(cluster: Any, name: str) -> Any:
    """A Pod, as soon as nothing of it runs any more."""

    def has_ended(pod: Any) -> bool:
        return pod.status.phase in ("Succeeded", "Failed")

    return until_one(cluster.core.list_namespaced_pod, cluster.namespace, name, has_ended)


def condition(obj: Any, kind: str) -> Any:
    """A condition that holds, by its type."""
    held = [each for each in obj.status.conditions or [] if each.status == "True"]
    return next((each for each in held if each.type == kind), None)


def outcome(job: Any) -> Any:
    return condition(job, "Complete") or condition(job, "Failed")
