"""The suite runs against a cluster of somebody's own, also one whose certificate is not verified."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.contract.localprocess import local_cluster

TEST = "tests/contract/test_selectors.py::test_which_fields_select_depends_on_the_kind"


def test_a_cluster_whose_certificate_is_not_verified(tmp_path: Path) -> None:
    with local_cluster(tmp_path / "cluster") as local:
        given = yaml.safe_load(local.kubeconfig.read_text())
        for each in given["clusters"]:
            each["cluster"].pop("certificate-authority-data", None)
            each["cluster"].pop("certificate-authority", None)
            each["cluster"]["insecure-skip-tls-verify"] = True
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(given))

        suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST]
        ran = subprocess.run(
            [*suite, "--kube-context", given["current-context"]],
            env=os.environ | {"KUBECONFIG": str(kubeconfig)},
            capture_output=True,
            text=True,
        )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
