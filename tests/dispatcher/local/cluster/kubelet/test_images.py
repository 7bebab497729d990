from __future__ import annotations

import pytest

from dispatcher.local.cluster.kubelet.images import pull_problem


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("busybox", None),
        ("busybox:1.36", None),
        ("ghcr.io/acme/deployer:3", None),
        ("localhost:5000/a__b/c-d@sha256:" + "0" * 64, None),
        ("acme.invalid-name.example/x", None),
        ("registry.invalid/x:1", "ErrImagePull"),
        ("registry.invalid:5000/a/b", "ErrImagePull"),
        ("Upper", "InvalidImageName"),
        ("a b", "InvalidImageName"),
        ("x:", "InvalidImageName"),
        ("", "InvalidImageName"),
    ],
)
def test_which_images_are_there(image: str, reason: str | None) -> None:
    problem = pull_problem({"image": image})
    assert (problem.reason if problem else None) == reason
