"""The section `job` of a target: the short form, or a Job manifest that the user writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    model_validator,
)

from dispatcher.config.jobspec import POD, at
from dispatcher.config.manifests import Manifest, read_manifest
from dispatcher.config.mistakes import Conflict, MistakesFound, show
from dispatcher.config.secret import Context
from dispatcher.config.validation_errors import BRANCH
from dispatcher.config.values import (
    DAY,
    HOUR,
    Flag,
    Image,
    Key,
    ObjectName,
    Quantity,
    Variable,
    Whole,
    duration,
)
from dispatcher.domain.job_contract import CLONE_NAME, CLONE_VOLUMES, RESERVED

CLONE_IMAGE = "alpine/git:v2.52.0"
"""Default image of the clone: has git, git-lfs and ssh, and a user 1000."""


User = Annotated[Whole, Field(ge=0, le=2**31 - 1)]


class Settings(BaseModel):
    """Base class of all settings: frozen, and refuses unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    BY_CODE: ClassVar[frozenset[str]] = frozenset()
    """Fields that code fills in and no file may set."""


class EnvReference(Settings):
    """An environment variable's value in a Secret or a ConfigMap of the target's namespace."""

    secret: ObjectName = ""
    config_map: ObjectName = ""
    key: Key
    optional: Flag = False

    @model_validator(mode="after")
    def _one(self) -> EnvReference:
        _either(self.secret, self.config_map)
        return self


class EnvFrom(Settings):
    """All keys of a Secret or a ConfigMap as environment variables."""

    secret: ObjectName = ""
    config_map: ObjectName = ""
    prefix: str = ""
    optional: Flag = False

    @model_validator(mode="after")
    def _one(self) -> EnvFrom:
        _either(self.secret, self.config_map)
        return self


def _either(secret: str, config_map: str) -> None:
    if bool(secret) == bool(config_map):
        raise ValueError("must name either a Secret or a ConfigMap; write one, like secret: NAME")


class Resources(Settings):
    """A container's resource requests and limits."""

    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}


class Toleration(Settings):
    """A Pod's toleration, with Kubernetes' field names."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: Whole | None = Field(default=None, alias="tolerationSeconds")


class Clone(Settings):
    """How the pushed commit gets into /workspace."""

    secret: ObjectName = ""
    depth: Annotated[Whole, Field(ge=0, le=1_000_000)] = 1
    submodules: Flag = False
    lfs: Flag = False
    any_commit: Flag = False
    """Whether to deploy a commit that is not reachable from the pushed ref."""
    image: Image = CLONE_IMAGE
    resources: Resources = Resources()
    """Resources of the clone; None for those of the first container."""
    run_as_user: User | None = None
    """User ID of the clone; None for that of the first container."""


def _clone(value: Any, info: ValidationInfo) -> Any:
    """`true` means the defaults, `false` means no clone."""
    if value is True:
        return {}
    if value is False:
        return None
    if value is None and isinstance(info.context, Context):
        raise ValueError("has no value; write true, false or settings like {depth: 10}")
    return value


def _not_ours(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name} is set by git-dispatcher; choose another name")
    return name


def _one_of(choose: Callable[[Any], str]) -> Discriminator:
    return Discriminator(lambda value: BRANCH + choose(value))


EnvValue = Annotated[
    Annotated[str, Tag(f"{BRANCH}text")] | Annotated[EnvReference, Tag(f"{BRANCH}reference")],
    _one_of(lambda value: "reference" if isinstance(value, (dict, EnvReference)) else "text"),
]
EnvName = Annotated[Variable, AfterValidator(_not_ours)]
CloneValue = Annotated[Clone | None, BeforeValidator(_clone)]
Timeout = Annotated[int, duration(1, 7 * DAY)]
Retries = Annotated[Whole, Field(ge=0, le=20)]


class ShortJob(Settings):
    """One container, with the commit in its working directory."""

    image: Image
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[EnvName, EnvValue] = {}
    env_from: tuple[EnvFrom, ...] = ()
    clone: CloneValue = Clone()
    timeout: Timeout = HOUR
    retries: Retries = 0
    stop_grace: Annotated[int, duration(0, HOUR)] = 30
    service_account: ObjectName = ""
    service_account_token: Flag = False
    image_pull_secrets: tuple[ObjectName, ...] = ()
    resources: Resources = Resources()
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    run_as_user: User = 1000
    read_only_root: Flag = False


def _manifest(value: Any, info: ValidationInfo) -> Manifest:
    if isinstance(value, Manifest):
        return value
    if not isinstance(value, str) or not value or not isinstance(info.context, Context):
        raise ValueError(f"{show(value)} is not a file name; write it like jobs/docs.yaml")
    path = info.context.directory / value
    info.context.files.append(path)
    try:
        return read_manifest(path)
    except MistakesFound as found:
        info.context.mistakes.extend(found.mistakes)
        return Manifest(str(path), {})


class ManifestJob(Settings):
    """A `batch/v1` Job in a file of its own."""

    manifest: Annotated[Manifest, PlainValidator(_manifest)]
    clone: CloneValue = None
    timeout: Timeout = HOUR
    retries: Retries = 0

    @model_validator(mode="after")
    def _names_are_free(self) -> ManifestJob:
        pod = at(self.manifest.document, POD) or {}
        containers = [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]
        if self.clone:
            _is_free("container", [CLONE_NAME], containers)
            _is_free("volume", CLONE_VOLUMES, pod.get("volumes") or [])
        return self


def _is_free(kind: str, ours: Iterable[str], theirs: list[dict[str, Any]]) -> None:
    for name in ours:
        if any(each.get("name") == name for each in theirs):
            text = f"adds a {kind} `{name}`, which the manifest also has; rename or remove the manifest's"
            raise Conflict(text, "clone")


JobForm = Annotated[
    Annotated[ShortJob, Tag(f"{BRANCH}short")] | Annotated[ManifestJob, Tag(f"{BRANCH}manifest")],
    _one_of(
        lambda value: (
            "manifest"
            if isinstance(value, ManifestJob) or (isinstance(value, dict) and "manifest" in value)
            else "short"
        )
    ),
]
