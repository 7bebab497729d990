"""A target → the Job to run. Pure: values in, plain dictionaries out.

A payload's text reaches a Job only as the value of an environment variable or of an annotation. There is no
text templating, and Kubernetes' own `$(NAME)` is escaped in such values.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from dispatcher.config import ManifestJob, ShortJob, Target
from dispatcher.domain.deploy import Deploy
from dispatcher.domain.spec import Policies, Spec
from workers.kube import labels
from workers.manifest import clone, short_form
from workers.manifest.long_form import add_clone, complete_clone, containers

Json = dict[str, Any]

START_MARGIN = 600
"""Seconds that a Job's deadline leaves for waits for a node, beyond the time of its runs and retries."""

TTL_MARGIN = 86400
"""Seconds after which Kubernetes deletes a Job that no worker has deleted in time."""

LONGEST_ANNOTATION = 2000
"""Characters of a payload's text that an annotation keeps."""


def render(target: Target, instance: str) -> Spec:
    """A target's Job, without what differs from deploy to deploy.

    The digest covers what is configured, but neither the policies, nor the target's name, nor the clone's
    image and script: a new version of git-dispatcher, or a rename, deploys nothing anew.
    """
    manifest = _template(target, instance)
    nameless = _template(target.model_copy(update={"name": ""}), instance)
    digest = hashlib.sha256(
        json.dumps(nameless, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
    return Spec(
        target=target.name,
        repository=target.repository,
        namespace=target.namespace,
        policies=target.policies(),
        manifest=_with_shipped_clone(manifest, target.job),
        digest=digest,
    )


def job_for(spec: Spec, deploy: Deploy, instance: str) -> Json:
    """The Job to create for a deploy's current attempt."""
    job: Json = copy.deepcopy(spec.manifest)
    template = job["spec"]["template"]
    for metadata in (job["metadata"], template.setdefault("metadata", {})):
        _update(metadata, "labels", _labels(deploy, instance))
        _update(metadata, "annotations", _annotations(spec, deploy))
    job["metadata"] |= _name_and_namespace(spec, deploy)
    job["spec"] |= _limits(spec.policies, job["spec"])
    template["spec"]["activeDeadlineSeconds"] = spec.policies.timeout
    for container in containers(template["spec"]):
        container["env"] = [*_deploy_env(deploy), *container.get("env", [])]
    return job


def name_reservation_for(spec: Spec, deploy: Deploy, instance: str) -> Json:
    """A suspended Job that reserves the name of an attempt, so that a late POST of it is refused.

    It never runs a Pod. It has the target's image, since admission policies may allow only some images.
    """
    image = spec.manifest["spec"]["template"]["spec"]["containers"][0]["image"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            **_name_and_namespace(spec, deploy),
            "labels": {**_labels(deploy, instance), labels.NAME_RESERVATION: "true"},
            "annotations": {labels.DEPLOY: deploy.name},
        },
        "spec": {
            "suspend": True,
            "backoffLimit": 0,
            "template": {"spec": short_form.idle_pod_spec(image)},
        },
    }


def _template(target: Target, instance: str) -> Json:
    job = target.job
    manifest = _from_file(job) if isinstance(job, ManifestJob) else _from_settings(job)
    manifest["metadata"]["namespace"] = target.namespace
    manifest["spec"]["podReplacementPolicy"] = "Failed"
    template = manifest["spec"]["template"]
    for metadata in (manifest["metadata"], template["metadata"]):
        _update(metadata, "labels", labels.identity(instance, target.name))
    for container in containers(template["spec"]):
        container["env"] = [*_target_env(target, instance), *container.get("env", [])]
    return manifest


def _from_settings(job: ShortJob) -> Json:
    template: Json = {"metadata": {}, "spec": short_form.pod_spec(job)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {},
        "spec": {"template": template},
    }


def _from_file(job: ManifestJob) -> Json:
    """The user's Job, without its name and without what Kubernetes had filled in."""
    document: Json = copy.deepcopy(job.manifest.document)
    template: Json = document["spec"]["template"]
    pod: Json = template["spec"]
    pod["restartPolicy"] = "Never"
    if not pod.get("serviceAccountName"):
        pod.setdefault("automountServiceAccountToken", False)
    if job.clone:
        add_clone(pod, job.clone)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _labels_and_annotations(document.get("metadata")),
        "spec": document["spec"] | {"template": template | _template_metadata(template)},
    }


def _template_metadata(template: Json) -> Json:
    return {"metadata": _labels_and_annotations(template.get("metadata"))}


def _labels_and_annotations(metadata: Json | None) -> Json:
    wanted = ("labels", "annotations")
    return {name: metadata[name] for name in wanted if metadata and metadata.get(name)}


def _with_shipped_clone(manifest: Json, job: ShortJob | ManifestJob) -> Json:
    """Completes the clone with what comes with this version rather than from the configuration."""
    if not job.clone:
        return manifest
    completed = copy.deepcopy(manifest)
    pod = completed["spec"]["template"]["spec"]
    if isinstance(job, ManifestJob):
        complete_clone(pod, job.clone)
    else:
        pod["initContainers"][0] |= clone.shipped(job.clone)
    return completed


def _name_and_namespace(spec: Spec, deploy: Deploy) -> Json:
    return {"name": deploy.job, "namespace": deploy.namespace or spec.namespace}


def _labels(deploy: Deploy, instance: str) -> dict[str, str]:
    return labels.identity(instance, deploy.target) | {labels.NUMBER: str(deploy.number)}


def _annotations(spec: Spec, deploy: Deploy) -> dict[str, str]:
    values = {
        labels.DEPLOY: deploy.name,
        labels.TOKEN: deploy.token,
        labels.COMMIT: deploy.commit,
        labels.REF: deploy.ref,
        labels.REPOSITORY: spec.repository,
        labels.DELIVERY: deploy.deliveries[-1] if deploy.deliveries else "",
        labels.REASON: deploy.reason.value,
        labels.WANTED: str(deploy.wanted_at or ""),
    }
    return {key: _text(value)[:LONGEST_ANNOTATION] for key, value in values.items() if value}


def _target_env(target: Target, instance: str) -> list[dict[str, str]]:
    return _variables(
        {
            "GIT_URL": target.repository,
            "WORKSPACE": clone.WORKSPACE,
            "DEPLOY_TARGET": target.name,
            "DEPLOY_INSTANCE": instance,
        }
    )


def _deploy_env(deploy: Deploy) -> list[dict[str, str]]:
    """These come first in each container, so that the user's own variables can refer to them."""
    return _variables(
        {
            "GIT_COMMIT": deploy.commit,
            "GIT_REF": deploy.ref,
            **_short_ref(deploy.ref),
            "GIT_BEFORE": deploy.before,
            "DEPLOY_NUMBER": str(deploy.number),
            "DEPLOY_ID": deploy.name,
            "DEPLOY_REASON": deploy.reason.value,
            "DEPLOY_ATTEMPT": str(deploy.attempt),
        }
    )


def _short_ref(ref: str) -> dict[str, str]:
    for name, prefix in (("GIT_BRANCH", "refs/heads/"), ("GIT_TAG", "refs/tags/")):
        if ref.startswith(prefix):
            return {name: ref.removeprefix(prefix)}
    return {}


def _variables(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Kubernetes expands `$(NAME)` in values, and reads `$$` as one `$`: each `$` is doubled.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return [
        {"name": name, "value": _text(value).replace("$", "$$")} for name, value in values.items()
    ]


def _text(value: str) -> str:
    """Without the characters that JSON in UTF-8 or a process' environment cannot hold."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _update(metadata: Json, kind: str, values: Mapping[str, str]) -> None:
    metadata[kind] = {**(metadata.get(kind) or {}), **values}


def _number(mapping: Json, key: str, default: int) -> int:
    value = mapping.get(key)
    return value if isinstance(value, int) else default


def _limits(policies: Policies, job: Json) -> Json:
    """The Pod's own deadline comes first. The Job's, which deletes the Pod with its log, comes after all
    retries and the pauses that Kubernetes makes between them (10 s, doubled each time, up to six minutes)."""
    grace = _number(job["template"]["spec"], "terminationGracePeriodSeconds", 30)
    rounds = math.ceil(_number(job, "completions", 1) / max(_number(job, "parallelism", 1), 1))
    pauses = sum(min(10 * 2**retry, 360) for retry in range(policies.retries))
    runs = (policies.timeout + grace) * (rounds + policies.retries)
    return {
        "activeDeadlineSeconds": runs + pauses + START_MARGIN,
        "backoffLimit": policies.retries,
        "ttlSecondsAfterFinished": max(policies.keep_failed_for, policies.keep_succeeded_for)
        + TTL_MARGIN,
    }
