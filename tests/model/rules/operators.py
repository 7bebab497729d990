"""Operators: redeploys, cancels, releases, pauses, and changes of the configuration."""

from __future__ import annotations

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from tests.model.fake_cluster import NAMESPACE, OTHER_NAMESPACE
from tests.model.rules.base import SOME_TARGET, TARGETS, Rules


class Operators(Rules):
    @precondition(lambda self: self.deliveries)
    @rule(
        name=SOME_TARGET,
        what=st.sampled_from(["newest", "number", "commit", "ref"]),
        data=st.data(),
    )
    def redeploy(self, name: str, what: str, data: st.DataObject) -> None:
        known = self.world.deploys(name)
        if not known:
            return
        self.requests += 1
        number = 0 if what == "newest" else data.draw(st.sampled_from(sorted(known)))
        commit = known[number].commit if what in ("commit", "ref") else ""
        ref = known[number].ref if what == "ref" else ""
        note(f"redeploy {name}/{number} {ref} {commit[:6]}")
        if ref:
            self.redeployed_refs.add((name, ref))
        request = f"r{self.requests}"
        self.world.redeploy(request, 0 if commit else number, commit, name, ref)

    @precondition(lambda self: self.deliveries)
    @rule(name=SOME_TARGET, data=st.data())
    def cancel(self, name: str, data: st.DataObject) -> None:
        if waiting := self.open_deploys(name):
            number = data.draw(st.sampled_from([deploy.number for deploy in waiting]))
            note(f"cancel {name}/{number}")
            self.world.cancel(number, name)

    @precondition(lambda self: self.world.cluster.pods)
    @rule(name=SOME_TARGET)
    def release(self, name: str) -> None:
        for deploy in self.open_deploys(name):
            if deploy.state == "stopping":
                note(f"release {deploy.name}")
                self.world.release(deploy.number, name)

    @precondition(lambda self: self.deliveries)
    @rule(name=st.sampled_from([None, *TARGETS]), pauses=st.booleans())
    def pause_or_resume(self, name: str | None, pauses: bool) -> None:
        if pauses:
            self.world.pause(name)
        else:
            self.world.resume(name)

    @precondition(lambda self: self.deliveries)
    @rule(name=SOME_TARGET)
    def change_job(self, name: str) -> None:
        """The target's Job has changed: it is deployed again."""
        if self.may("digest"):
            spec = self.world.specs[name]
            self.world.configure(replace(spec, digest=f"{spec.digest}d"))

    @precondition(lambda self: self.deliveries)
    @rule(name=SOME_TARGET, stops=st.booleans())
    def remove_or_restore_target(self, name: str, stops: bool) -> None:
        spec = self.world.specs[name]
        if spec.removed_at:
            self.world.configure(replace(spec, removed_at=0))
            return
        on_removed = "stop" if stops else "finish"
        policies = replace(spec.policies, on_removed=on_removed)
        self.world.configure(replace(spec, policies=policies))
        self.world.remove(name)

    @precondition(lambda self: self.deliveries)
    @rule(name=SOME_TARGET, new_job=st.booleans())
    def move_target(self, name: str, new_job: bool) -> None:
        """To another namespace."""
        spec = self.world.specs[name]
        namespace = OTHER_NAMESPACE if spec.namespace == NAMESPACE else NAMESPACE
        digest = f"{spec.digest}m" if new_job else spec.digest
        self.world.configure(replace(spec, namespace=namespace, digest=digest))

    @precondition(lambda self: self.deliveries)
    @rule(name=SOME_TARGET, on_new_push=st.sampled_from(["cancel", "wait", "every"]))
    def change_policy(self, name: str, on_new_push: str) -> None:
        spec = self.world.specs[name]
        policies = replace(spec.policies, on_new_push=on_new_push)
        self.world.configure(replace(spec, policies=policies))
