"""Why the API server does not take a Job, and whether that can change."""

from __future__ import annotations

import pytest

from dispatcher.domain.cause import CauseKind
from dispatcher.domain.errors import ClusterForbids, ClusterRefused
from workers.causes.refusals import of_refusal
from workers.kube.errors import NotThere


@pytest.mark.parametrize(
    ("refused", "kind", "retry"),
    [
        (
            ClusterForbids(
                'jobs "shop-1" is forbidden: exceeded quota: q, requested: count/jobs=1'
            ),
            CauseKind.QUOTA,
            True,
        ),
        (ClusterForbids("jobs is forbidden: status unknown for quota: q"), CauseKind.QUOTA, True),
        (ClusterForbids('User "worker" cannot create resource "jobs"'), CauseKind.ADMISSION, True),
        (ClusterForbids('admission webhook "x" denied the request'), CauseKind.ADMISSION, True),
        (NotThere('namespaces "deploys" not found (404)'), CauseKind.ADMISSION, True),
        (ClusterRefused('Job "shop-1" is invalid: spec: Required (422)'), CauseKind.CONFIG, False),
    ],
)
def test_a_refusal_has_a_kind_and_its_words(
    refused: ClusterRefused, kind: CauseKind, retry: bool
) -> None:
    found = of_refusal(refused)

    assert (found.kind, found.why, found.retry) == (kind, str(refused), retry)
