"""How many deploys run at once, in a namespace of their own: the rest waits, says why, and goes on at once."""

from __future__ import annotations

from dispatcher.local.kube import create_namespace
from tests.system.installation import Installation, Target
from tests.waiting import eventually


def test_no_more_run_than_may_and_who_waited_longest_is_next(system: Installation) -> None:
    create_namespace(system.kube, "narrow")
    names = [f"narrow-{n}" for n in range(6)]
    targets = [system.target(name, "sleep 0.7", namespace="narrow") for name in names]

    for target in targets:
        target.push("0", "a")

    assert eventually(lambda: _waits(system, targets[-1]))
    for target in targets:
        target.until(1, "succeeded")
        assert target.is_clean()
    runs = [run for run in system.pod_history.runs.values() if run.target.startswith("narrow-")]
    starts = sorted(runs, key=lambda run: run.began)
    assert [run.target for run in starts[2:]] == names[2:]  # the first two may change places
    for run in runs:
        others = [r for r in runs if r is not run and r.began < run.began < r.ended]
        assert len(others) < 2
    assert system.redis.hlen(system.keys.running) == 0


def _waits(system: Installation, target: Target) -> bool:
    (view,) = system.reader.targets([target.name])
    text = "2 deploys may run at once in namespace narrow"
    return view.trouble is not None and text in view.trouble.text
