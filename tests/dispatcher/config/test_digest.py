"""The configuration's digest: the same for the same settings, and of no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.config import configuration_digest, read_configuration

HOOKS = """\
version: 1
hooks:
  github: {provider: github, secrets: [{file: secret}], repositories: ["github.com/acme/*"]}
"""
TARGETS = """\
version: 1
targets:
  shop: {repository: "https://github.com/acme/shop", branches: [main], job: {image: deployer}}
  docs: {repository: "https://github.com/acme/docs", branches: [main], job: {manifest: job.yaml}}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}
"""


def digest(
    folder: Path, *, secret: str = "secret number one", targets: str = TARGETS, job: str = JOB
) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "secret").write_text(secret)
    (folder / "hooks.yaml").write_text(HOOKS)
    (folder / "targets.yaml").write_text(targets)
    (folder / "job.yaml").write_text(job)
    return configuration_digest(read_configuration(folder, {}))


def test_the_same_settings_have_the_same_digest_wherever_they_are(tmp_path: Path) -> None:
    moved = digest(tmp_path / "elsewhere", targets="# a comment\n" + TARGETS)

    assert digest(tmp_path / "here") == moved


def test_a_secret_is_no_part_of_it(tmp_path: Path) -> None:
    assert digest(tmp_path, secret="secret number one") == digest(
        tmp_path, secret="secret number two"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"targets": TARGETS.replace("branches: [main]", "branches: [live]", 1)},
        {"targets": TARGETS + "cluster: {max_running: 3}\n"},
        {"targets": TARGETS + "deliveries: {keep: 5}\n"},
        {"job": JOB.replace("busybox", "alpine")},
    ],
)
def test_any_other_change_is(tmp_path: Path, changed: dict[str, str]) -> None:
    before = digest(tmp_path)

    assert digest(tmp_path, **changed) != before
