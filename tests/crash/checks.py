"""Checks after a crash run: each returns what is wrong, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dispatcher.local.kube import items
from tests.crash.branches import Branch
from tests.crash.pusher import Pusher
from tests.crash.run_log import Line, overlaps, read_lines, starts
from tests.system.installation import Installation

TARGET, NAME_RESERVATION = "git-dispatcher/target", "git-dispatcher/name-reservation"
OWNER = "batch.kubernetes.io/controller-uid"
KEEP_FAILED = 3
"""The setting's default."""
ATTEMPTS = 3
"""The default of `start_attempts`."""
LOOKS_AGAIN = 60_000
"""Milliseconds: a target may be looked at once more after its last Job was deleted."""


def about(pusher: Pusher) -> list[str]:
    """Whatever is wrong about one target's deploys, once none is open."""
    target = pusher.target
    lines = read_lines(target.system.markers, target.name)
    found = [
        *pusher.wrong,
        *overlaps(lines),
        *_decisions(pusher),
        *(wrong for branch in pusher.branches for wrong in _branch(pusher, branch, lines)),
    ]
    return [f"{target.name} ({pusher.kind.name}): {wrong}" for wrong in found]


# One branch of a target


def _branch(pusher: Pusher, branch: Branch, lines: list[Line]) -> Iterator[str]:
    ran = [line.commit for line in starts(lines) if line.ref == branch.ref]
    for commit in branch.out_of_order(ran):
        yield f"{commit[:8]} ran on {branch.ref} after a newer commit"
    if pusher.kind.every:
        yield from _each_ran(pusher, branch, set(ran))
    if branch.pushes:
        yield from _newest(pusher, branch, ran)


def _newest(pusher: Pusher, branch: Branch, ran: Sequence[str]) -> Iterator[str]:
    """The branch's newest commit ran last, and ended as it had to, unless somebody cancelled it.

    Whose node died under it runs again.
    """
    deploys = [d for d in pusher.target.deploys() if (d.ref, d.commit) == (branch.ref, branch.head)]
    if not deploys:
        yield f"{branch.head[:8]} is the head of {branch.ref}, and has no deploy"
        return
    newest = deploys[0]
    if newest.state == "cancelled" and newest.number in pusher.cancelled:
        return
    if newest.state != ("failed" if pusher.kind.fails(branch.head) else "succeeded"):
        yield f"{newest.name} has the head of {branch.ref} and is {newest.state}: {newest.why}"
    if not ran or ran[-1] != branch.head:
        yield f"{branch.head[:8]} is the head of {branch.ref}, and did not run last"


def _each_ran(pusher: Pusher, branch: Branch, ran: set[str]) -> Iterator[str]:
    """Where every push counts: the newest push that each deploy was given."""
    given = {push.number: push for push in branch.pushes if push.number}
    excused = {*pusher.cancelled, *_never_to_run(pusher)}
    for number, push in given.items():
        if push.after not in ran and number not in excused:
            yield f"{push.after[:8]} was {push.outcome} as {push.deploy} and never ran"


def _never_to_run(pusher: Pusher) -> set[int]:
    """Deploys that the cluster took away as often as they may be tried: that is said of them."""
    ended = [deploy for deploy in pusher.target.deploys() if deploy.state in ("failed", "lost")]
    return {deploy.number for deploy in ended if deploy.troubles + 1 >= ATTEMPTS}


# When it was decided to start something


def _decisions(pusher: Pusher) -> Iterator[str]:
    branches = {branch.ref: branch for branch in pusher.branches}
    for (number, attempt), (moment, ref, commit) in sorted(pusher.starts.items()):
        what = f"{pusher.target.name}/{number}, attempt {attempt}, of {commit[:8]}"
        if any(begun < moment < ended for begun, ended in pusher.holds):
            yield f"{what} was started while the target was paused"
        place = branches[ref].newest_of(commit, moment)
        newest = branches[ref].answered_by(moment, pusher.cancelled)
        if place is not None and place < newest and not pusher.kind.every:
            newer = branches[ref].pushes[newest]
            late = moment - newer.answered
            yield f"{what} was started {late:.0f} ms after the answer to {newer.after[:8]}"


# The ledger and the cluster


def disagreements(system: Installation, pushers: Sequence[Pusher]) -> list[str]:
    """What the ledger and the cluster say differently, and what either holds for no reason."""
    jobs, pods = _by_target(system, "/apis/batch/v1/jobs"), _by_target(system, "/api/v1/pods")
    names = {pusher.target.name for pusher in pushers}
    found = [f"Jobs of {name}, which is no target" for name in sorted({*jobs, *pods} - names)]
    for pusher in pushers:
        name = pusher.target.name
        wrong = _target(pusher, jobs.get(name, []), pods.get(name, []))
        found += [f"{name}: {each}" for each in wrong]
    busy = {str(name) for name in system.redis.smembers(system.keys.busy)}
    later = system.store.now() + LOOKS_AGAIN
    due = {str(name) for name in system.redis.zrangebyscore(system.keys.due, later, "+inf")}
    found += [f"{name} is busy and has no Job" for name in sorted(busy - set(jobs))]
    found += [f"{name} has a Job and is not busy" for name in sorted(set(jobs) - busy)]
    return found + [f"{name} is due and has no Job" for name in sorted(due - set(jobs))]


def _by_target(system: Installation, path: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items(system.kube, path):
        found.setdefault(_labels(item).get(TARGET, ""), []).append(item)
    return found


def _target(
    pusher: Pusher, jobs: list[dict[str, Any]], pods: list[dict[str, Any]]
) -> Iterator[str]:
    target, deploys = pusher.target, pusher.target.deploys()
    yield from (f"{deploy.name} is {deploy.state}" for deploy in deploys if not deploy.terminal)
    known = {str(job) for job in target.system.redis.hkeys(target.system.keys.jobs(target.name))}
    there = {f"{job['metadata']['namespace']}/{job['metadata']['name']}" for job in jobs}
    if known != there:
        yield f"the ledger has the Jobs {sorted(known)}, the cluster has {sorted(there)}"
    kept = [job for job in jobs if NAME_RESERVATION not in _labels(job)]
    failed = {deploy.uid for deploy in deploys if deploy.state == "failed"}
    yield from (f"Job {_name(job)} is left" for job in kept if _uid(job) not in failed)
    if len(kept) > pusher.kind.settings.get("keep_failed", KEEP_FAILED):
        yield f"{len(kept)} failed Jobs are kept"
    owners = {_uid(job) for job in kept}
    yield from (f"Pod {_name(pod)} is left" for pod in pods if _labels(pod)[OWNER] not in owners)


def _labels(item: dict[str, Any]) -> dict[str, str]:
    return dict(item["metadata"].get("labels") or {})


def _name(item: dict[str, Any]) -> str:
    return str(item["metadata"]["name"])


def _uid(item: dict[str, Any]) -> str:
    return str(item["metadata"]["uid"])
