"""The cluster: its controllers at their own pace, nodes that fail, users with kubectl."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.rules.base import Rules


class ClusterRules(Rules):
    @precondition(lambda self: self.world.cluster.jobs or self.world.cluster.pods)
    @rule(data=st.data(), count=st.integers(1, 3))
    def controllers_step(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            enabled_steps = self.world.cluster.enabled_steps()
            if enabled_steps:
                data.draw(
                    st.sampled_from(range(len(enabled_steps))).map(enabled_steps.__getitem__)
                )()
                self.world.check()

    @precondition(lambda self: self.world.cluster.pods)
    @rule(how=st.sampled_from(["clones", "waits", "fails to clone"]))
    def pods_do_not_start(self, how: str) -> None:
        for uid in list(self.world.cluster.pods):
            self.world.cluster.keep_pod_from_starting(uid, how)

    @precondition(lambda self: self.world.cluster.jobs)
    @rule(forbidden=st.booleans())
    def events_appear(self, forbidden: bool) -> None:
        self.world.cluster.add_events(forbidden)

    @precondition(lambda self: self.world.cluster.pods)
    @rule(exit_code=st.sampled_from([0, 1]))
    def pods_end(self, exit_code: int) -> None:
        for uid in list(self.world.cluster.pods):
            self.world.cluster.end_pod(uid, exit_code)

    @precondition(lambda self: self.world.cluster.pods)
    @rule(how=st.sampled_from(["evicted", "drained", "unknown"]), deleted=st.booleans())
    def pods_are_disrupted(self, how: str, deleted: bool) -> None:
        cluster = self.world.cluster
        for uid, pod in list(cluster.pods.items()):
            if cluster.disrupt_pod(uid, how) and deleted:
                cluster.delete_pod(pod.metadata.namespace, pod.metadata.name, uid)

    @precondition(lambda self: self.world.cluster.jobs)
    @rule(data=st.data())
    def kubectl_deletes_job(self, data: st.DataObject) -> None:
        if self.may("delete"):
            names = sorted(self.world.cluster.jobs)
            self.world.cluster.kubectl_delete_job(data.draw(st.sampled_from(names)))

    @precondition(lambda self: self.world.late_posts)
    @rule()
    def delayed_posts_arrive(self) -> None:
        self.world.deliver_late_posts()
