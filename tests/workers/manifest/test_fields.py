"""Each field of a Job that Kubernetes knows is decided, in the code and in docs/configuration.md."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from dispatcher.config import Manifest, ManifestJob, Target
from dispatcher.config.documents import Document
from dispatcher.config.jobspec import CONTAINER_FIELDS, JOB_FIELDS, POD_FIELDS
from dispatcher.config.manifests import check_manifest, manifest_warnings
from tests.workers.manifest.helpers import job_of

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
POD: dict[str, Any] = {"containers": [{"name": "main", "image": "busybox"}]}
JOB: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": POD}}}


def job(in_spec: dict[str, Any] | None = None, in_pod: dict[str, Any] | None = None) -> Document:
    made = copy.deepcopy(JOB)
    made["spec"] |= in_spec or {}
    made["spec"]["template"]["spec"] |= in_pod or {}
    return Document("job.yaml", made)


def created(document: Document) -> dict[str, Any]:
    """The spec of the Job that the target of such a manifest creates."""
    target = Target(
        name="t",
        repository="https://github.com/acme/t",
        branches=("main",),
        job=ManifestJob(manifest=Manifest("job.yaml", document.data), timeout=60, retries=2),
    )
    spec: dict[str, Any] = job_of(target)["spec"]
    return spec


def mistakes(document: Document) -> list[str]:
    return [f"{each.field}: {each.text}" for each in check_manifest(document)]


def decisions(line: str) -> dict[str, str]:
    """Field → decision, from the list of the documentation below this line: - `field` (decision): why."""
    _, found, rest = PAGE.partition(f"{line}\n\n")
    assert found, line
    items = re.findall(r"^- (.+?) \((.+?)\)", rest.partition("\n\n")[0], re.MULTILINE)
    return {
        field: decision for fields, decision in items for field in re.findall(r"`(\w+)`", fields)
    }


def test_all_fields_of_a_job_are_decided() -> None:
    """Where this fails, a new version of Kubernetes has fields that nobody has thought about yet."""
    assert set(client.V1JobSpec.attribute_map.values()) <= JOB_FIELDS
    assert decisions("Fields of the Job's `spec`:").keys() == JOB_FIELDS
    assert set(decisions("Fields of the Job's `spec`:").values()) == {"set", "mistake", "passed on"}


def test_all_fields_of_a_pod_are_decided() -> None:
    assert set(client.V1PodSpec.attribute_map.values()) <= POD_FIELDS
    assert decisions("Fields of the Pod's `spec`:").keys() <= POD_FIELDS
    assert set(client.V1Container.attribute_map.values()) <= CONTAINER_FIELDS


EXAMPLES: dict[str, Any] = {
    "activeDeadlineSeconds": 5,
    "backoffLimit": 1,
    "backoffLimitPerIndex": 2,
    "completionMode": "Indexed",
    "completions": 3,
    "managedBy": "x/y",
    "manualSelector": True,
    "maxFailedIndexes": 1,
    "parallelism": 3,
    "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In"}}]},
    "podReplacementPolicy": "TerminatingOrFailed",
    "scheduling": {"x": "y"},
    "selector": {"matchLabels": {"a": "b"}},
    "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
    "suspend": True,
    "template": {"spec": POD},
    "ttlSecondsAfterFinished": 0,
}


@pytest.mark.parametrize("field", sorted(JOB_FIELDS))
def test_what_is_written_is_passed_on_or_a_mistake(field: str) -> None:
    document = job({field: EXAMPLES[field]})
    decision = decisions("Fields of the Job's `spec`:")[field]

    if decision == "passed on":
        assert mistakes(document) == []
        if field != "template":
            assert created(document)[field] == EXAMPLES[field]
    else:
        (mistake,) = mistakes(document)
        assert mistake.startswith(f"spec.{field}: ")
        assert re.search(r"; (remove|move|write)|remove it", mistake)
        assert (field in created(job())) == (decision == "set")


@pytest.mark.parametrize(
    ("in_spec", "field"),
    [
        ({"parallelism": 0}, "spec.parallelism: allows no Pod"),
        ({"completions": 0}, "spec.completions: makes the Job succeed without running anything"),
        (
            {"podFailurePolicy": {"rules": [{"action": "Count"}, {"action": "FailIndex"}]}},
            "spec.podFailurePolicy.rules[1].action: FailIndex needs backoffLimitPerIndex",
        ),
    ],
)
def test_values_that_defeat_a_deploy_are_mistakes(in_spec: dict[str, Any], field: str) -> None:
    (mistake,) = mistakes(job(in_spec))
    assert mistake.startswith(field)


@pytest.mark.parametrize(
    ("in_pod", "field"),
    [
        ({"activeDeadlineSeconds": 5}, "activeDeadlineSeconds: is the job's `timeout`"),
        ({"restartPolicy": "OnFailure"}, "restartPolicy: must be Never"),
        (
            {"containers": [{"name": "a", "image": "b", "restartPolicy": "Always"}]},
            "containers[0].restartPolicy: restarts the container",
        ),
        (
            {"initContainers": [{"name": "a", "image": "b", "restartPolicy": "OnFailure"}]},
            "initContainers[0].restartPolicy: restarts the container",
        ),
        (
            {"containers": [{"name": "a", "image": "b", "restartPolicyRules": [{}]}]},
            "containers[0].restartPolicyRules: restart a container",
        ),
        ({"volumes": ["a"]}, "volumes[0]: is not a mapping"),
        (
            {"containers": [{"name": "a", "image": "b", "volumeMounts": ["c"]}]},
            "containers[0].volumeMounts[0]: is not a mapping",
        ),
    ],
)
def test_fields_of_a_pod_that_fight_with_a_deploy_are_mistakes(
    in_pod: dict[str, Any], field: str
) -> None:
    (mistake,) = mistakes(job(in_pod=in_pod))
    assert mistake.startswith(f"spec.template.spec.{field}")


def test_a_sidecar_may_be_started_again() -> None:
    sidecar = {"name": "a", "image": "b", "restartPolicy": "Always"}
    document = job(in_pod={"initContainers": [sidecar]})

    assert mistakes(document) == []
    (kept,) = created(document)["template"]["spec"]["initContainers"]
    assert kept.items() >= sidecar.items()


@pytest.mark.parametrize("name", ["controller-uid", "batch.kubernetes.io/job-name"])
def test_labels_of_the_job_controller_are_a_mistake(name: str) -> None:
    document = job({"template": {"metadata": {"labels": {name: "x"}}, "spec": POD}})

    (mistake,) = mistakes(document)
    assert "is set by Kubernetes; remove it" in mistake


@pytest.mark.parametrize(
    ("in_spec", "in_pod", "warning"),
    [
        (
            {"paralelism": 2},
            {},
            "spec.paralelism: is unknown to this version and is passed on unchanged; did",
        ),
        (
            {},
            {"gpu": 1},
            "spec.template.spec.gpu: is unknown to this version and is passed on unchanged",
        ),
        (
            {},
            {"containers": [{"name": "a", "image": "b", "comand": ["c"]}]},
            "containers[0].comand: is unknown to this version and is passed on unchanged; "
            'did you mean "command"',
        ),
        ({}, {"schedulingGates": [{"name": "a"}]}, "hold its Pods until a controller"),
        ({}, {"serviceAccount": "a"}, "write serviceAccountName"),
    ],
)
def test_what_may_not_be_meant_is_a_warning(
    in_spec: dict[str, Any], in_pod: dict[str, Any], warning: str
) -> None:
    document = job(in_spec, in_pod)

    assert mistakes(document) == []
    (found,) = manifest_warnings(document)
    assert warning in f"{found.field}: {found.text}"
    assert in_pod.keys() <= created(document)["template"]["spec"].keys()


def test_an_ordinary_job_has_no_warnings() -> None:
    document = job(in_pod={"serviceAccount": "a", "serviceAccountName": "a"})
    assert manifest_warnings(document) == ()
    assert json.dumps(created(document))
