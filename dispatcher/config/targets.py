"""The settings of hooks and targets."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from dispatcher.config.jobs import JobForm, ManifestJob, Settings, ShortJob
from dispatcher.config.mistakes import Conflict, show
from dispatcher.config.networks import NetworkValue
from dispatcher.config.providers import PROVIDERS, unfit
from dispatcher.config.secret import SecretValue
from dispatcher.config.values import (
    DAY,
    MIB,
    MINUTE,
    AtLeastOne,
    BranchGlob,
    Flag,
    HostGlob,
    Name,
    Namespace,
    PathGlob,
    Repository,
    SomeHosts,
    TagPattern,
    Whole,
    duration,
    size,
)
from dispatcher.domain.durations import show_duration
from dispatcher.domain.repositories import pattern_with_scm
from dispatcher.domain.spec import Policies
from dispatcher.domain.suggestions import did_you_mean

NO_REFS = "has neither `branches` nor `tags`; add one, like branches: [main]"
NO_SECRETS = "is missing; list one, like [{env: NAME}], or write `insecure: true` to try the hook without any"
WITH_SECRETS = "accepts unauthenticated deliveries, but the hook has secrets; remove one of the two"


def _provider(name: str) -> str:
    if name not in PROVIDERS:
        raise ValueError(f"{show(name)} is not a provider; {did_you_mean(name, PROVIDERS)}")
    return name


class Hook(Settings):
    """An endpoint for deliveries, with the secrets that authenticate them."""

    BY_CODE: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Name
    provider: Annotated[str, AfterValidator(_provider)]
    secrets: Annotated[tuple[SecretValue, ...], AtLeastOne] = ()
    insecure: Flag = False
    """Accept unauthenticated deliveries; `dispatcher.config.insecure` says where that is allowed."""
    repositories: Annotated[tuple[HostGlob, ...], AtLeastOne, SomeHosts]
    max_body: Annotated[int, size(1024, 128 * MIB)] = 25 * MIB
    replay_window: Annotated[int, duration(1, DAY)] = 5 * MINUTE
    clock_skew: Annotated[int, duration(1, DAY)] = 5 * MINUTE
    allow: Annotated[tuple[NetworkValue, ...], AtLeastOne] = ()
    """Address ranges that may send to it; () for all."""

    @property
    def spoken_for(self) -> tuple[str, ...]:
        """`repositories` in every form that identities of this provider's repositories take."""
        if self.provider != "bitbucket-server":
            return self.repositories
        return tuple(form for each in self.repositories for form in pattern_with_scm(each))

    @model_validator(mode="after")
    def _some_proof(self) -> Hook:
        if not self.secrets and not self.insecure:
            raise Conflict(NO_SECRETS, "secrets")
        if self.secrets and self.insecure:
            raise Conflict(f"true {WITH_SECRETS}", "insecure", "secrets")
        return self

    @model_validator(mode="after")
    def _secrets_fit(self) -> Hook:
        for secret in self.secrets:
            value = secret.reveal()
            if value and (problem := unfit(self.provider, value)):  # empty if not looked up
                raise Conflict(f"{secret.source} {problem}", "secrets")
        return self


class Target(Settings):
    """What to deploy, from which repository and refs, and how its deploys follow one another."""

    BY_CODE: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Name
    repository: Repository
    renamed_from: Name = ""
    """The target's former name, whose history and deploys it takes over; "" for none."""
    branches: Annotated[tuple[BranchGlob, ...], AtLeastOne] = ()
    tags: Annotated[tuple[TagPattern, ...], AtLeastOne] = ()
    paths: tuple[PathGlob, ...] = ()
    skip_markers: Flag = True
    """Whether a commit message can ask not to be deployed, as with `[skip ci]`."""
    namespace: Namespace = "default"
    on_new_push: Literal["cancel", "wait", "every"] = "cancel"
    every_limit: Annotated[Whole, Field(ge=1, le=1000)] = 20
    max_open_branches: Annotated[Whole, Field(ge=1, le=1000)] = 100
    """How many streams (each branch, and all tags together) may have unfinished deploys at once."""
    max_supersedes: Annotated[Whole, Field(ge=0, le=1000)] = 5
    interruptible: Flag = True
    quiet_period: Annotated[int, duration(0, DAY)] = 0
    quiet_max: Annotated[int, duration(0, DAY)] = 10 * MINUTE
    start_timeout: Annotated[int, duration(1, 7 * DAY)] = 15 * MINUTE
    clone_timeout: Annotated[int, duration(1, 7 * DAY)] = 30 * MINUTE
    start_attempts: Annotated[Whole, Field(ge=1, le=10)] = 3
    stop_timeout: Annotated[int, duration(1, 7 * DAY)] = 5 * MINUTE
    on_removed: Literal["finish", "stop"] = "finish"
    keep_succeeded_for: Annotated[int, duration(0, 365 * DAY)] = 0
    keep_failed: Annotated[Whole, Field(ge=0, le=50)] = 3
    keep_failed_for: Annotated[int, duration(0, 365 * DAY)] = 7 * DAY
    clear_failed_on_success: Flag = True
    job: JobForm

    @model_validator(mode="after")
    def _some_ref(self) -> Target:
        if not self.branches and not self.tags:
            raise ValueError(NO_REFS)
        return self

    @model_validator(mode="after")
    def _quiet_in_bounds(self) -> Target:
        if self.quiet_period > self.quiet_max:
            period, most = show_duration(self.quiet_period), show_duration(self.quiet_max)
            text = f"quiet_period ({period}) is longer than quiet_max ({most}); shorten it or raise quiet_max"
            raise Conflict(text, "quiet_period", "quiet_max")
        return self

    @property
    def every(self) -> int:
        """How many pushes of a branch may wait to be deployed one by one; 0 if waiting pushes coalesce."""
        return self.every_limit if self.on_new_push == "every" else 0

    def policies(self) -> Policies:
        """What workers need to know of a target besides its Job."""
        return Policies(
            on_new_push=self.on_new_push,
            every_limit=self.every_limit,
            max_supersedes=self.max_supersedes,
            interruptible=self.interruptible,
            quiet_period=self.quiet_period,
            quiet_max=self.quiet_max,
            start_timeout=self.start_timeout,
            clone_timeout=self.clone_timeout,
            start_attempts=self.start_attempts,
            stop_timeout=self.stop_timeout,
            on_removed=self.on_removed,
            keep_succeeded_for=self.keep_succeeded_for,
            timeout=self.job.timeout,
            retries=self.job.retries,
            keep_failed=self.keep_failed,
            keep_failed_for=self.keep_failed_for,
            clear_failed_on_success=self.clear_failed_on_success,
        )


TARGET_ONLY = frozenset({"repository", "renamed_from", "branches", "tags", "paths"})
"""Settings of a target that `defaults` cannot hold."""

JOB_ONLY = frozenset({"manifest"})
"""Settings of `job` that `defaults` cannot hold."""

INHERITED_BY_MANIFEST = frozenset(ManifestJob.model_fields) - {"manifest", "clone"}
"""What a job with a manifest inherits from `defaults.job`; the manifest has the rest."""

__all__ = [
    "INHERITED_BY_MANIFEST",
    "JOB_ONLY",
    "PROVIDERS",
    "TARGET_ONLY",
    "Hook",
    "ManifestJob",
    "ShortJob",
    "Target",
]
