"""A few calls to the local cluster's API: `up` creates namespaces, the demo lists objects."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import httpx
import yaml


def kube_client(kubeconfig: Path) -> httpx.Client:
    """A client with the kubeconfig's server, authority and token."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return httpx.Client(
        base_url=cluster["server"],
        headers={"Authorization": f"Bearer {user['token']}"},
        verify=ssl.create_default_context(cadata=authority),
        trust_env=False,
        timeout=10,
    )


def create_namespace(client: httpx.Client, name: str) -> None:
    """Creates a namespace unless it exists."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    answer = client.post("/api/v1/namespaces", json=body)
    if answer.status_code != httpx.codes.CONFLICT:
        answer.raise_for_status()


def items(client: httpx.Client, path: str, selector: str = "") -> list[dict[str, Any]]:
    """All objects below a path, like `/api/v1/pods`."""
    answer = client.get(path, params={"labelSelector": selector})
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["items"]
    return found
