"""The Job that a target and a deploy become."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.config import (
    Clone,
    EnvFrom,
    EnvReference,
    Manifest,
    ManifestJob,
    Resources,
    ShortJob,
    Target,
    Toleration,
)
from dispatcher.domain.deploy import Deploy, Reason, State
from dispatcher.domain.job_contract import RESERVED
from tests.examples import examples
from workers.kube import labels
from workers.manifest import clone
from workers.manifest.job import job_for, name_reservation_for, render

COMMIT = "0123456789abcdef0123456789abcdef01234567"

FROM_FILE: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "name": "mine",
        "generateName": "mine-",
        "labels": {"team": "a"},
        "annotations": {labels.INTERRUPTIBLE: "false"},
        "creationTimestamp": None,
    },
    "spec": {
        "completions": 4,
        "parallelism": 2,
        "template": {
            "metadata": {"labels": {"app": "x"}, "creationTimestamp": None},
            "spec": {
                "terminationGracePeriodSeconds": 5,
                "initContainers": [{"name": "first", "image": "a"}],
                "containers": [
                    {"name": "main", "image": "b", "env": [{"name": "A", "value": "$(GIT_COMMIT)"}]}
                ],
            },
        },
    },
    "status": {},
}


def target(job: ShortJob | ManifestJob | None = None, **more: Any) -> Target:
    return Target(
        **{
            "name": "shop",
            "repository": "https://github.com/acme/shop",
            "branches": ("main",),
            "job": job or ShortJob(image="deployer:3"),
            **more,
        }
    )


def deploy(**more: Any) -> Deploy:
    return Deploy(
        **{
            "target": "shop",
            "number": 42,
            "state": State.STARTING,
            "stream": "refs/heads/main",
            "ref": "refs/heads/main",
            "commit": COMMIT,
            "attempt": 2,
            "job": "shop-42-2",
            "token": "random",
            "deliveries": ("first", "second"),
            "namespace": "deploys",
            "wanted_at": 1_700_000_000_000,
            **more,
        }
    )


def made(job: ShortJob | ManifestJob | None = None, **more: Any) -> dict[str, Any]:
    return job_for(render(target(job), "default"), deploy(**more), "default")


def pod(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def env(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def test_a_job_says_whose_it_is() -> None:
    job = made()
    assert job["metadata"]["name"] == "shop-42-2"
    assert job["metadata"]["namespace"] == "deploys"
    for metadata in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert metadata["labels"] == {
            "app.kubernetes.io/managed-by": "git-dispatcher",
            "git-dispatcher/instance": "default",
            "git-dispatcher/target": "shop",
            "git-dispatcher/number": "42",
        }
        assert metadata["annotations"] == {
            "git-dispatcher/deploy": "shop/42",
            "git-dispatcher/token": "random",
            "git-dispatcher/commit": COMMIT,
            "git-dispatcher/ref": "refs/heads/main",
            "git-dispatcher/repository": "https://github.com/acme/shop",
            "git-dispatcher/delivery": "second",
            "git-dispatcher/reason": "push",
            "git-dispatcher/wanted-at": "1700000000000",
        }


def test_selectors_find_exactly_our_labels() -> None:
    job = made()
    for selector in (labels.selector("default"), labels.target_selector("default", "shop")):
        wanted = dict(part.split("=") for part in selector.split(","))
        assert wanted.items() <= job["metadata"]["labels"].items()


def test_a_target_is_found_under_the_names_that_it_had() -> None:
    selector = labels.target_selector("default", "web-shop", ("shop", "store"))

    assert selector.endswith(",git-dispatcher/target in (web-shop,shop,store)")


def test_every_container_knows_the_deploy() -> None:
    for container in (*pod(made())["initContainers"], *pod(made())["containers"]):
        assert {
            "GIT_URL": "https://github.com/acme/shop",
            "GIT_COMMIT": COMMIT,
            "GIT_REF": "refs/heads/main",
            "GIT_BRANCH": "main",
            "GIT_BEFORE": "",
            "DEPLOY_TARGET": "shop",
            "DEPLOY_NUMBER": "42",
            "DEPLOY_ID": "shop/42",
            "DEPLOY_REASON": "push",
            "DEPLOY_ATTEMPT": "2",
            "DEPLOY_INSTANCE": "default",
            "WORKSPACE": "/workspace",
        }.items() <= env(container).items()
        assert "GIT_TAG" not in env(container)


def test_a_tag_is_no_branch() -> None:
    variables = env(pod(made(ref="refs/tags/v1"))["containers"][0])
    assert variables["GIT_TAG"] == "v1"
    assert "GIT_BRANCH" not in variables


def test_all_our_variables_are_reserved() -> None:
    names = set(env(pod(made())["containers"][0])) | set(
        env(pod(made(ref="refs/tags/v1"))["containers"][0])
    )
    assert {name for name in names if not name.startswith("GIT_CONFIG_")} == RESERVED


def test_the_user_s_variables_come_after_ours() -> None:
    job = ShortJob(image="x", env={"VERSION": "$(GIT_COMMIT)"})
    names = list(env(pod(made(job))["containers"][0]))
    assert names[-1] == "VERSION"
    assert RESERVED - {"GIT_TAG"} < set(names[:-1])


def test_kubernetes_does_not_expand_what_a_payload_says() -> None:
    variables = env(pod(made(ref="refs/heads/$(DEPLOY_ID)$$x"))["containers"][0])
    assert variables["GIT_BRANCH"] == "$$(DEPLOY_ID)$$$$x"


def test_a_pod_is_secure_unless_told_otherwise() -> None:
    spec = pod(made())
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "fsGroup": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_root_is_possible_when_asked_for() -> None:
    spec = pod(made(ShortJob(image="x", run_as_user=0, read_only_root=True)))
    assert spec["securityContext"]["runAsNonRoot"] is False
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"name": "tmp", "emptyDir": {}} in spec["volumes"]


def test_settings_of_the_short_form_reach_the_pod() -> None:
    spec = pod(
        made(
            ShortJob(
                image="x",
                command=("a",),
                args=("b",),
                env={
                    "S": EnvReference(secret="s", key="k", optional=True),
                    "C": EnvReference(config_map="c", key="k"),
                },
                env_from=(EnvFrom(secret="s", prefix="P_"), EnvFrom(config_map="c", optional=True)),
                service_account="sa",
                service_account_token=True,
                image_pull_secrets=("pull",),
                resources=Resources(limits={"cpu": "1"}),
                node_selector={"disk": "ssd"},
                tolerations=(Toleration(key="k", operator="Exists", tolerationSeconds=5),),
                stop_grace=7,
            )
        )
    )
    container = spec["containers"][0]
    assert (container["command"], container["args"]) == (["a"], ["b"])
    assert container["env"][-2:] == [
        {
            "name": "S",
            "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}},
        },
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
    ]
    assert container["envFrom"] == [
        {"secretRef": {"name": "s"}, "prefix": "P_"},
        {"configMapRef": {"name": "c", "optional": True}},
    ]
    assert spec["serviceAccountName"] == "sa"
    assert spec["automountServiceAccountToken"] is True
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "k", "operator": "Exists", "tolerationSeconds": 5}]
    assert spec["terminationGracePeriodSeconds"] == 7
    for each in (container, spec["initContainers"][0]):
        assert each["resources"] == {"limits": {"cpu": "1"}}


def test_the_clone_runs_the_constant_script_in_the_workspace() -> None:
    settings_ = Clone(secret="key", depth=0, submodules=True, lfs=True, image="git:1")
    spec = pod(made(ShortJob(image="x", clone=settings_)))
    (first,) = spec["initContainers"]
    assert (first["name"], first["image"]) == ("clone", "git:1")
    assert [*first["command"], *first["args"]] == ["sh", "-c", clone.SCRIPT]
    variables = env(first)
    assert variables["CLONE_DEPTH"] == "0"
    assert variables["CLONE_SUBMODULES"] == variables["CLONE_LFS"] == "true"
    mounts = {mount["mountPath"]: mount["name"] for mount in first["volumeMounts"]}
    assert mounts.keys() == {
        variables["WORKSPACE"],
        variables["HOME"],
        variables["CLONE_CREDENTIALS"],
    }
    assert set(mounts.values()) == {volume["name"] for volume in spec["volumes"]}
    (container,) = spec["containers"]
    assert container["workingDir"] == "/workspace"
    assert [m["name"] for m in container["volumeMounts"]] == ["workspace"]
    assert env(container)["GIT_CONFIG_VALUE_0"] == "/workspace"


def test_a_clone_proves_where_the_commit_is_unless_told_otherwise() -> None:
    default, any_commit = (
        env(pod(made(ShortJob(image="x", clone=each)))["initContainers"][0])
        for each in (Clone(), Clone(any_commit=True))
    )
    assert "CLONE_ANY_COMMIT" not in default
    assert any_commit["CLONE_ANY_COMMIT"] == "true"


def test_without_a_clone_there_is_an_empty_workspace() -> None:
    spec = pod(made(ShortJob(image="x", clone=None)))
    assert "initContainers" not in spec
    assert spec["volumes"] == [{"name": "workspace", "emptyDir": {}}]
    assert "GIT_CONFIG_COUNT" not in env(spec["containers"][0])


def test_the_pod_s_deadline_fires_before_the_job_s() -> None:
    job = made(ShortJob(image="x", timeout=60, retries=2, stop_grace=10))
    assert pod(job)["activeDeadlineSeconds"] == 60
    assert job["spec"]["activeDeadlineSeconds"] == 3 * (60 + 10) + (10 + 20) + 600
    assert job["spec"]["backoffLimit"] == 2
    assert job["spec"]["podReplacementPolicy"] == "Failed"
    assert pod(job)["restartPolicy"] == "Never"
    assert job["spec"]["ttlSecondsAfterFinished"] == 8 * 86400


class TestFromFile:
    JOB = ManifestJob(manifest=Manifest("job.yaml", FROM_FILE), timeout=100)

    def test_it_is_kept_apart_from_what_we_set(self) -> None:
        job = made(self.JOB)
        assert job["metadata"]["name"] == "shop-42-2"
        assert job["metadata"].keys() == {"name", "namespace", "labels", "annotations"}
        assert job["metadata"]["labels"]["team"] == "a"
        assert job["metadata"]["annotations"][labels.INTERRUPTIBLE] == "false"
        assert job["spec"]["template"]["metadata"]["labels"]["app"] == "x"
        assert job["spec"]["template"]["metadata"]["labels"][labels.TARGET] == "shop"
        assert "status" not in job
        assert job["spec"]["completions"] == 4
        assert job["spec"]["activeDeadlineSeconds"] == 2 * (100 + 5) + 600
        assert pod(job)["activeDeadlineSeconds"] == 100
        assert "securityContext" not in pod(job)
        for container in (*pod(job)["initContainers"], *pod(job)["containers"]):
            assert env(container)["GIT_COMMIT"] == COMMIT
        assert list(env(pod(job)["containers"][0]))[-1] == "A"

    def test_a_token_is_mounted_only_with_a_service_account(self) -> None:
        assert pod(made(self.JOB))["automountServiceAccountToken"] is False
        document = json.loads(json.dumps(FROM_FILE))
        document["spec"]["template"]["spec"]["serviceAccountName"] = "x"
        job = made(ManifestJob(manifest=Manifest("job.yaml", document)))
        assert "automountServiceAccountToken" not in pod(job)

    def test_a_clone_comes_first_when_asked_for(self) -> None:
        spec = pod(made(self.JOB.model_copy(update={"clone": Clone()})))
        assert [c["name"] for c in spec["initContainers"]] == ["clone", "first"]
        assert spec["initContainers"][0]["args"] == [clone.SCRIPT]
        for container in (*spec["initContainers"], *spec["containers"]):
            assert any(m["mountPath"] == "/workspace" for m in container["volumeMounts"])

    def test_a_workspace_of_the_user_s_is_used(self) -> None:
        document = json.loads(json.dumps(FROM_FILE))
        spec = document["spec"]["template"]["spec"]
        claim = {"name": "workspace", "persistentVolumeClaim": {"claimName": "x"}}
        spec["volumes"] = [claim]
        mount = {"name": "workspace", "mountPath": "/workspace", "subPath": "a"}
        spec["containers"][0]["volumeMounts"] = [mount]
        job = made(ManifestJob(manifest=Manifest("job.yaml", document), clone=Clone()))
        assert [v for v in pod(job)["volumes"] if v["name"] == "workspace"] == [claim]
        assert pod(job)["containers"][0]["volumeMounts"] == [mount]

    def test_the_file_s_data_is_not_changed(self) -> None:
        before = json.dumps(FROM_FILE)
        made(self.JOB)
        assert json.dumps(FROM_FILE) == before


class TestNameReservation:
    def test_it_takes_the_name_and_never_runs(self) -> None:
        spec = render(target(), "default")
        reservation = name_reservation_for(spec, deploy(), "default")
        job = job_for(spec, deploy(), "default")
        for field in ("name", "namespace"):
            assert reservation["metadata"][field] == job["metadata"][field]
        assert reservation["spec"]["suspend"] is True
        assert reservation["metadata"]["labels"] == {
            **job["metadata"]["labels"],
            labels.NAME_RESERVATION: "true",
        }
        assert reservation["metadata"]["annotations"] == {labels.DEPLOY: "shop/42"}
        assert "random" not in json.dumps(reservation)
        (container,) = pod(reservation)["containers"]
        assert container["image"] == "deployer:3"
        assert container["command"] == ["false"]
        assert "env" not in container


class TestDigest:
    def test_policies_do_not_change_it(self) -> None:
        first = render(target(), "default")
        job = ShortJob(image="deployer:3", timeout=5, retries=3)
        other = render(target(job, keep_failed_for=5, on_new_push="wait"), "default")
        assert first.digest == other.digest
        assert first.policies != other.policies

    @pytest.mark.parametrize(
        "changed",
        [
            target(ShortJob(image="deployer:4")),
            target(ShortJob(image="deployer:3", env={"A": "b"})),
            target(ShortJob(image="deployer:3", clone=None)),
            target(repository="https://github.com/acme/other"),
            target(namespace="elsewhere"),
        ],
    )
    def test_what_is_run_changes_it(self, changed: Target) -> None:
        assert render(changed, "default").digest != render(target(), "default").digest

    def test_another_name_does_not(self) -> None:
        before, after = render(target(), "default"), render(target(name="web-shop"), "default")
        assert before.digest == after.digest
        assert after.manifest["metadata"]["labels"][labels.TARGET] == "web-shop"

    def test_a_new_version_of_the_script_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = render(target(), "default")
        monkeypatch.setattr(clone, "SCRIPT", "true")
        after = render(target(), "default")
        assert before.digest == after.digest
        assert before.manifest != after.manifest

    def test_it_stays_the_same_from_version_to_version(self) -> None:
        """Where this fails, an upgrade deploys every target anew: say so in the changelog."""
        assert render(target(), "default").digest == GOLDEN
        cloned = TestFromFile.JOB.model_copy(update={"clone": Clone(secret="key")})
        assert render(target(cloned), "default").digest == GOLDEN_WITH_A_MANIFEST

    def test_a_spec_is_json(self) -> None:
        manifest = render(target(), "default").manifest
        assert json.loads(json.dumps(manifest)) == manifest


GOLDEN = "e9044cac61b3577ae295d356d1459ebace92400664818c3479d28cb41900b4cb"
GOLDEN_WITH_A_MANIFEST = "58972aee536fa4638532db96c62d2f61d16ae379d528eb89bea64f28337963ae"

LABEL = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
MARK = "\N{SNOWMAN}"
payload = st.text(max_size=40).map(lambda text: f"{MARK}{text}{MARK}")


@given(ref=payload, commit=payload, before=payload, delivery=payload, by=payload, title=payload)
@examples(100)
def test_whatever_a_payload_says_stays_a_value(
    ref: str, commit: str, before: str, delivery: str, by: str, title: str
) -> None:
    """Given any text, then it is only in values of variables and annotations, and all else stands."""
    said = deploy(
        ref=f"refs/heads/{ref}",
        stream=ref,
        commit=commit,
        before=before,
        deliveries=(delivery,),
        requested_by=by,
        title=title,
        reason=Reason.REDEPLOY,
    )
    for job in (ShortJob(image="x", clone=Clone(secret="s")), TestFromFile.JOB):
        spec = render(target(job), "default")
        ours = job_for(spec, said, "default")
        json.dumps(ours, ensure_ascii=False).encode()
        for metadata in (ours["metadata"], ours["spec"]["template"]["metadata"]):
            assert all(LABEL.fullmatch(value) for value in metadata["labels"].values())
            assert all("\0" not in value for value in metadata["annotations"].values())
        plain = job_for(spec, deploy(reason=Reason.REDEPLOY), "default")
        assert without_values(ours) == without_values(plain)
        assert MARK not in json.dumps(without_values(ours), ensure_ascii=False)
        assert MARK not in json.dumps(
            name_reservation_for(spec, said, "default"), ensure_ascii=False
        )


def without_values(job: dict[str, Any]) -> dict[str, Any]:
    """A Job without the values of our annotations and of our variables."""
    bare: dict[str, Any] = json.loads(json.dumps(job))
    for metadata in (bare["metadata"], bare["spec"]["template"]["metadata"]):
        metadata["annotations"] = sorted(metadata["annotations"])
    for container in (*pod(bare).get("initContainers", []), *pod(bare)["containers"]):
        for entry in container["env"]:
            if entry["name"] in RESERVED:
                entry.pop("value")
    return bare
