"""Reads configuration files into hooks and targets, and collects every mistake in them.

Each file is parsed separately, then the hooks and targets of all files are merged; only one file may
have `defaults`. A mistake names the line where its value was written, even if that is in `defaults`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from dispatcher.config.cluster import ClusterSettings, NamespaceSettings
from dispatcher.config.deliveries import DeliverySettings
from dispatcher.config.documents import BYTES, Document, read_document
from dispatcher.config.jobs import (
    Clone,
    EnvFrom,
    EnvReference,
    ManifestJob,
    Resources,
    Settings,
    ShortJob,
    Toleration,
)
from dispatcher.config.logs import LogSettings
from dispatcher.config.mistakes import Location, Mistake, MistakesFound, show
from dispatcher.config.notifications import Chat, NotificationSettings, Summarize, Webhook
from dispatcher.config.renames import rename_mistakes
from dispatcher.config.secret import Context
from dispatcher.config.targets import (
    INHERITED_BY_MANIFEST,
    JOB_ONLY,
    NO_REFS,
    TARGET_ONLY,
    Hook,
    Target,
)
from dispatcher.config.validation_errors import BRANCH, location_of, settings_of, text_of
from dispatcher.domain.suggestions import did_you_mean
from dispatcher.files import read_file, why

VERSION = 1
TOP = ("version", "hooks", "defaults", "targets", "deliveries", "cluster", "logs", "notifications")
SUFFIXES = (".yaml", ".yml")

Section = TypeVar("Section", bound=Settings)


@dataclass(frozen=True)
class Configuration:
    """Settings from the files. `files` lists every file that was read, manifests and secrets included."""

    hooks: Mapping[str, Hook]
    targets: Mapping[str, Target]
    files: tuple[Path, ...] = ()
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    deliveries: DeliverySettings = field(default_factory=DeliverySettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    logs: LogSettings = field(default_factory=LogSettings)


@dataclass
class _Reading:
    """What has been read so far."""

    environ: Mapping[str, str]
    secrets: bool = True
    hooks: dict[str, Hook] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    deliveries: DeliverySettings = field(default_factory=DeliverySettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    files: list[Path] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    places: dict[Location, Mistake] = field(default_factory=dict)
    """Where each hook, target and `defaults` was first defined."""

    def context(self, document: Document) -> Context:
        directory = Path(document.file).parent
        return Context(self.environ, directory, self.files, self.mistakes, self.secrets)


def read_files(path: Path, environ: Mapping[str, str], *, secrets: bool = True) -> Configuration:
    """Raise MistakesFound with all mistakes in a file, or in all YAML files of a directory.

    With `secrets` False no secret is looked up: all are empty.
    """
    reading = _Reading(environ, secrets)
    read = [_document(file, reading, among_others=file != path) for file in _files(path)]
    documents = [document for document in read if document]
    defaults = next((d for d in documents if "defaults" in d.data), None)
    if defaults:
        _check_defaults(defaults, reading)
    for document in documents:
        _check_top(document, reading)
        reading.cluster = _section(document, "cluster", reading.cluster, reading)
        reading.deliveries = _section(document, "deliveries", reading.deliveries, reading)
        reading.notifications = _section(document, "notifications", reading.notifications, reading)
        reading.logs = _section(document, "logs", reading.logs, reading)
        _read_hooks(document, reading)
        _read_targets(document, defaults, reading)
    reading.mistakes += rename_mistakes(documents, reading.targets)
    if reading.mistakes:
        raise MistakesFound(*_in_order(reading.mistakes))
    files = tuple(dict.fromkeys(reading.files))
    return Configuration(
        reading.hooks,
        reading.targets,
        files,
        reading.cluster,
        reading.deliveries,
        reading.notifications,
        reading.logs,
    )


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        files = sorted(path.iterdir())
    except (OSError, ValueError):
        return [path]
    # Hidden directories: a mounted ConfigMap keeps its versions in them.
    files = [f for f in files if f.suffix in SUFFIXES and not f.name.startswith(".")]
    if not files:
        raise MistakesFound(
            Mistake(str(path), 0, "", "holds no *.yaml or *.yml file; put one there")
        )
    return files


def _document(file: Path, reading: _Reading, among_others: bool) -> Document | None:
    reading.files.append(file)
    try:
        document = read_document(read_file(file, BYTES), str(file))
    except OSError as error:
        text = f"{why(error)}; write the configuration there, or set DISPATCHER_CONFIG"
        reading.mistakes.append(Mistake(str(file), 0, "", text))
        return None
    except MistakesFound as found:
        reading.mistakes.extend(found.mistakes)
        return None
    if among_others and isinstance(document.data, dict) and "kind" in document.data:
        return None  # a Job manifest beside the configuration, as in a mounted ConfigMap
    reading.mistakes.extend(document.mistakes)
    if isinstance(document.data, dict):
        return document
    text = "is not a mapping; start it with `version: 1`"
    reading.mistakes.append(document.mistake((), text))
    return None


def _check_top(document: Document, reading: _Reading) -> None:
    version = document.data.get("version")
    if type(version) is not int or version != VERSION:
        text = "is missing; write `version: 1`"
        if "version" in document.data:
            text = f"{show(version)} is not a supported version; write 1"
        reading.mistakes.append(document.mistake(("version",), text))
    for name in document.data.keys() - set(TOP):
        text = f"is not a setting here; {did_you_mean(name, TOP)}"
        reading.mistakes.append(document.mistake((name,), text))
    if "defaults" in document.data:
        _claim(document, ("defaults",), reading)


def _claim(document: Document, location: Location, reading: _Reading) -> bool:
    """Whether this file is the first to define it; if not, records a mistake that names both lines."""
    mistake = document.mistake(location, "")
    first = reading.places.setdefault(location, mistake)
    if first is not mistake:
        text = f"is in {first.file}:{first.line} already; keep one of them"
        reading.mistakes.append(document.mistake(location, text))
    return first is mistake


def _entries(document: Document, section: str, reading: _Reading) -> Iterator[tuple[str, Any]]:
    """The hooks or targets that this file is the first to define, each a mapping."""
    entries = document.data.get(section, {})
    if not isinstance(entries, dict):
        text = f"{show(entries)} is not a mapping; write a name and its settings below it"
        reading.mistakes.append(document.mistake((section,), text))
        return
    for name, settings in entries.items():
        if not _claim(document, (section, name), reading):
            continue
        if isinstance(settings, dict) and "name" in settings:
            text = "is not a setting; the name is the key above it"
            reading.mistakes.append(document.mistake((section, name, "name"), text))
            settings = {key: value for key, value in settings.items() if key != "name"}
        yield name, settings


def _section(document: Document, name: str, known: Section, reading: _Reading) -> Section:
    """A section that only one file may have; `known` if this file lacks it."""
    if name not in document.data or not _claim(document, (name,), reading):
        return known
    try:
        return known.model_validate(document.data[name], context=reading.context(document))
    except ValidationError as error:
        _report(error, document, (name,), reading)
        return known


def _read_hooks(document: Document, reading: _Reading) -> None:
    for name, settings in _entries(document, "hooks", reading):
        if isinstance(settings, dict):
            settings = {"name": name, **settings}
        try:
            hook = Hook.model_validate(settings, context=reading.context(document))
        except ValidationError as error:
            _report(error, document, ("hooks", name), reading)
        else:
            reading.hooks[name] = hook


def _read_targets(document: Document, defaults: Document | None, reading: _Reading) -> None:
    inherited = defaults.data["defaults"] if defaults else {}
    for name, settings in _entries(document, "targets", reading):
        location = ("targets", name)
        merged = settings
        if isinstance(settings, dict):
            if not settings.keys() & {"branches", "tags"}:
                reading.mistakes.append(document.mistake(location, NO_REFS))
            merged = {"name": name, **_merge(inherited, settings)}
        try:
            target = Target.model_validate(merged, context=reading.context(document))
        except ValidationError as error:
            # A wrong value that targets inherit is reported once, at `defaults`.
            _report(error, document, location, reading, settings)
        else:
            reading.targets[name] = target


def _merge(defaults: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """A target's settings over the defaults; `job` key by key, everything else as a whole."""
    if not isinstance(defaults, dict):
        return settings
    merged = {k: v for k, v in defaults.items() if k not in TARGET_ONLY} | settings
    theirs, own = defaults.get("job"), settings.get("job", {})
    if isinstance(theirs, dict) and isinstance(own, dict):
        inherited = {k: v for k, v in theirs.items() if k not in JOB_ONLY}
        if "manifest" in own:
            inherited = {k: v for k, v in inherited.items() if k in INHERITED_BY_MANIFEST}
        merged["job"] = inherited | own
    return merged


def _check_defaults(document: Document, reading: _Reading) -> None:
    """Check `defaults` as if they were a target, with the settings added that only a target can have."""
    defaults = document.data["defaults"]
    if not isinstance(defaults, dict):
        text = f"{show(defaults)} is not a mapping; write `name: value` lines below it"
        reading.mistakes.append(document.mistake(("defaults",), text))
        return
    job = defaults.get("job", {})
    misplaced: list[Location] = [(name,) for name in defaults.keys() & (TARGET_ONLY | {"name"})]
    misplaced += [("job", name) for name in JOB_ONLY if isinstance(job, dict) and name in job]
    for location in misplaced:
        text = "cannot be in `defaults`; write it in each target"
        reading.mistakes.append(document.mistake(("defaults", *location), text))
    stand_in = {"repository": "https://example.com/x", "branches": ["x"], "job": {"image": "x"}}
    defaults = {name: value for name, value in defaults.items() if name != "name"}
    try:
        Target.model_validate(
            {"name": "x", **_merge(defaults, stand_in), **_defaults_job(job)},
            context=reading.context(document),
        )
    except ValidationError as error:
        _report(error, document, ("defaults",), reading)


def _defaults_job(job: Any) -> dict[str, Any]:
    if not isinstance(job, dict):
        return {"job": job}
    return {"job": {"image": "x"} | {k: v for k, v in job.items() if k not in JOB_ONLY}}


def _report(
    error: ValidationError,
    document: Document,
    prefix: Location,
    reading: _Reading,
    own: Any = None,
) -> None:
    """Record an error's mistakes; with `own`, skip those whose value came from `defaults`."""
    for details in error.errors(include_url=False):
        location = location_of(details, own)
        if own is not None and _inherited(location, own, details["type"] == "missing"):
            continue
        known = _settings(location, details["loc"], prefix[0])
        elsewhere = _JOB if len(location) == 1 and prefix[0] in _OF_TARGETS else frozenset()
        place = prefix if location == ("name",) else (*prefix, *location)
        text = text_of(details, known, elsewhere, document.written.get(place))
        reading.mistakes.append(document.mistake(place, text))


def _inherited(location: Location, own: Any, missing: bool) -> bool:
    """Whether the value came from `defaults`. A missing top-level setting is the target's own mistake."""
    if location == ("name",) or (missing and len(location) <= 2):
        return False
    for part in location[:-1] if missing else location:
        if isinstance(own, dict):
            if part not in own:
                return True
            own = own[part]
    return False


_PARTS: Mapping[str, type[Settings]] = {
    "clone": Clone,
    "resources": Resources,
    "env": EnvReference,
    "env_from": EnvFrom,
    "tolerations": Toleration,
}


_OF_TARGETS = ("targets", "defaults")
_JOB = frozenset(f"job.{name}" for name in ShortJob.model_fields)


def _settings(location: Location, tagged: Location, section: str | int) -> frozenset[str]:
    """The settings that are valid where an unknown one was found."""
    if section == "hooks":
        return settings_of(Hook)
    if section == "deliveries":
        return settings_of(DeliverySettings)
    if section == "notifications":
        return settings_of(_receiver(location))
    if section == "cluster":
        return settings_of(NamespaceSettings if len(location) > 1 else ClusterSettings)
    if len(location) < 2 or location[0] != "job":
        return settings_of(Target) - (TARGET_ONLY if section == "defaults" else frozenset())
    inner = location[2:] if location[1:3] == ("clone", "resources") else location[1:]
    if len(inner) > 1 and inner[0] in _PARTS:
        return settings_of(_PARTS[str(inner[0])])
    return settings_of(ManifestJob if f"{BRANCH}manifest" in tagged else ShortJob)


def _receiver(location: Location) -> type[Settings]:
    """The part of `notifications` that a setting was looked for in."""
    if len(location) < 3:
        return NotificationSettings
    if location[0] == "webhooks":
        return Webhook
    return Summarize if len(location) > 3 else Chat


def _in_order(mistakes: list[Mistake]) -> list[Mistake]:
    """Sorted by file and line, with only the first mistake of each field."""
    first: dict[tuple[str, int, str], Mistake] = {}
    for mistake in mistakes:
        first.setdefault((mistake.file, mistake.line, mistake.field), mistake)
    return sorted(first.values(), key=lambda mistake: (mistake.file, mistake.line))
