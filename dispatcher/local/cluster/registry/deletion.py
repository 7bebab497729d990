"""What a DELETE does to an object. Pure: an object and options in, a verdict out.

https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dispatcher.local.cluster.apimachinery.api_errors import ApiError, BadRequest, conflict
from dispatcher.local.cluster.apimachinery.objects import (
    FOREGROUND,
    ORPHAN,
    Object,
    clone,
    finalizers_of,
    is_deleting,
    is_terminal,
    meta,
    name_of,
    parse_timestamp,
    timestamp,
    uid_of,
)
from dispatcher.local.cluster.apimachinery.resources import JOBS, PODS, Resource


class Propagation(StrEnum):
    """What becomes of the objects that name the deleted one as their owner."""

    FOREGROUND = "Foreground"
    BACKGROUND = "Background"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`grace` in seconds. `uid` and `version` are preconditions."""

    grace: int | None = None
    propagation: Propagation | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """The object goes at once."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The object stays, as this, until its finalizers or its processes are gone."""

    object: Object


Verdict = Remove | Mark


def parse_options(body: Mapping[str, Any], query: Mapping[str, str]) -> DeleteOptions:
    """If there is a body, the query doesn't count, as in the API server.

    https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/delete.go
    """
    source: Mapping[str, Any] = body or query
    preconditions = body.get("preconditions") or {}
    try:
        grace = source.get("gracePeriodSeconds")
        return DeleteOptions(
            grace=None if grace is None else int(grace),
            propagation=_propagation(source),
            uid=preconditions.get("uid"),
            version=preconditions.get("resourceVersion"),
            dry_run=bool(body.get("dryRun") or query.get("dryRun")),
        )
    except (TypeError, ValueError) as error:
        raise BadRequest(f"invalid DeleteOptions: {error}") from error


def _propagation(source: Mapping[str, Any]) -> Propagation | None:
    if policy := source.get("propagationPolicy"):
        return Propagation(policy)
    if (orphan := source.get("orphanDependents")) is not None:
        orphaning = orphan is True or orphan == "true"
        return Propagation.ORPHAN if orphaning else Propagation.BACKGROUND
    return None


def check_preconditions(
    resource: Resource, obj: Object, uid: str | None, version: str | None
) -> ApiError | None:
    """The conflict between what the caller expects to find and what is there."""
    name = name_of(obj)
    if uid is not None and uid != uid_of(obj):
        why = (
            f"the UID in the precondition ({uid}) does not match the UID in record "
            f"({uid_of(obj)}). The object might have been deleted and then recreated"
        )
        return conflict(resource, name, why)
    current = str(meta(obj)["resourceVersion"])
    if version and version != current:
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the "
            f"ResourceVersion in record ({current}). The object might have been modified"
        )
        return conflict(resource, name, why)
    return None


def decide(resource: Resource, obj: Object, options: DeleteOptions, now: datetime) -> Verdict:
    """What a delete does to an object whose preconditions hold."""
    finalizers = _finalizers(resource, obj, options.propagation)
    grace = _grace(resource, obj, options.grace)
    if grace == 0 and not finalizers:
        return Remove()
    marked = clone(obj)
    if finalizers:
        meta(marked)["finalizers"] = finalizers
    else:
        meta(marked).pop("finalizers", None)
    _shorten(meta(marked), grace, now)
    if not is_deleting(obj) and "generation" in meta(marked):
        meta(marked)["generation"] += 1
    return Mark(marked)


def _finalizers(resource: Resource, obj: Object, policy: Propagation | None) -> list[str]:
    if policy is None and resource == JOBS and not {FOREGROUND, ORPHAN} & {*finalizers_of(obj)}:
        # batch/v1 Jobs orphan their Pods by default, for compatibility.
        # https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/batch/job/strategy.go
        policy = Propagation.ORPHAN
    if policy is None:
        return finalizers_of(obj)
    kept = [each for each in finalizers_of(obj) if each not in (FOREGROUND, ORPHAN)]
    added = {Propagation.FOREGROUND: FOREGROUND, Propagation.ORPHAN: ORPHAN}.get(policy)
    return [*kept, added] if added else kept


def _grace(resource: Resource, obj: Object, asked: int | None) -> int:
    """Only a Pod that may have processes is deleted gracefully."""
    if resource != PODS or is_terminal(obj) or not obj["spec"].get("nodeName"):
        return 0
    default = obj["spec"].get("terminationGracePeriodSeconds")
    grace = asked if asked is not None else default
    return 1 if (grace or 0) < 0 else int(grace or 0)


def _shorten(metadata: Object, grace: int, now: datetime) -> None:
    """A second delete may bring the end nearer but never put it off."""
    if metadata.get("deletionTimestamp"):
        current = metadata.get("deletionGracePeriodSeconds", 0)
        if grace >= current:
            return
        begun = parse_timestamp(metadata["deletionTimestamp"]) - timedelta(seconds=current)
        metadata["deletionTimestamp"] = timestamp(begun + timedelta(seconds=grace))
    else:
        metadata["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
