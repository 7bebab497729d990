"""Whether a target wants a push, and why. Values only."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dispatcher.domain.outcome import Outcome, Result
from dispatcher.domain.push import Push


class Rule(StrEnum):
    """What filters a push. A rule that is a setting has the setting's name."""

    REPOSITORIES = "repositories"  # the hook does not speak for the repository
    BRANCHES = "branches"
    TAGS = "tags"
    MERGE_QUEUE = "merge-queue"  # followed only if a pattern names the prefix
    DELETION = "deletion"  # the push deletes the branch or tag
    SKIP_MARKERS = "skip_markers"
    PATHS = "paths"


_NOT_FOLLOWED = (Rule.BRANCHES, Rule.TAGS, Rule.MERGE_QUEUE)


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether one target wants one push, and why. The delivery log stores it."""

    target: str
    ref: str
    commit: str
    rule: Rule | None = None
    """The rule that filtered it; None if the target wants it."""
    reason: str = ""
    unsure: str = ""
    """Why the push passes although a filter lacks the data to decide; part of the reason."""

    @classmethod
    def on(
        cls, push: Push, target: str, rule: Rule | None, reason: str, unsure: str = ""
    ) -> Decision:
        commit = push.commit or push.after
        return cls(
            target=target, ref=push.ref, commit=commit, rule=rule, reason=reason, unsure=unsure
        )

    @property
    def wanted(self) -> bool:
        return self.rule is None

    @property
    def follows(self) -> bool:
        """Whether the target follows this branch or tag: its head moves even if nothing is deployed."""
        return self.rule not in _NOT_FOLLOWED

    @property
    def deletion(self) -> bool:
        """Whether the push deletes a branch or tag that the target follows."""
        return self.rule is Rule.DELETION

    @property
    def filtered(self) -> str:
        """Why the target does not want it, or ""; "" for a deletion too, whose reason the ledger gives."""
        return "" if self.wanted or self.deletion else self.reason

    def result(self) -> Result:
        """What became of a push to a branch or tag that the target does not follow: the ledger is not asked."""
        return Result(
            target=self.target,
            ref=self.ref,
            commit=self.commit,
            outcome=Outcome.FILTERED,
            reason=self.reason,
        )
