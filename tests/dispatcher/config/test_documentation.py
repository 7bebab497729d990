"""docs/configuration.md says what the models say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from dispatcher.config import (
    PROVIDERS,
    VARIABLES,
    Chat,
    Clone,
    ClusterSettings,
    DeliverySettings,
    EnvFrom,
    EnvReference,
    Hook,
    ManifestJob,
    NamespaceSettings,
    NotificationSettings,
    Resources,
    ShortJob,
    Summarize,
    Target,
    Toleration,
    Webhook,
    read_configuration,
)
from dispatcher.domain.job_contract import RESERVED

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()

SECTIONS: dict[str, type[BaseModel]] = {
    "Hooks": Hook,
    "Targets": Target,
    "Deliveries": DeliverySettings,
    "Cluster": ClusterSettings,
    "namespaces": NamespaceSettings,
    "Notifications": NotificationSettings,
    "webhooks": Webhook,
    "chat": Chat,
    "summarize": Summarize,
    "The short form": ShortJob,
    "The long form": ManifestJob,
    "env": EnvReference,
    "env_from": EnvFrom,
    "resources": Resources,
    "tolerations": Toleration,
    "clone": Clone,
}
WRITTEN: dict[Any, str] = {
    86400: "1d",
    3600: "1h",
    1800: "30m",
    900: "15m",
    600: "10m",
    300: "5m",
    120: "2m",
    30: "30s",
    10: "10s",
    3 * 86400: "3d",
    7 * 86400: "7d",
    30 * 86400: "30d",
}
WRITTEN |= {25 * 1024 * 1024: "25MiB", 64 * 1024 * 1024: "64MiB"}
WRITTEN |= {("failed", "lost", "trouble", "recovered"): "failed, lost, trouble, recovered"}
"""Defaults that are numbers in the models and have units in files."""


def section(heading: str) -> str:
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert match, heading
    return match[1]


def rows(heading: str) -> dict[str, str]:
    """Setting → default, from the lists below a heading: - `name` (type; default `x`): what it means."""
    listed = re.findall(r"^- (?:.+\n)(?:  .+\n)*", section(heading), re.MULTILINE)
    items = [" ".join(each.split()) for each in listed]
    found = [
        re.match(r"- `(\w+)`(?: \*)? \([^()]+; (?:default )?([^()]+?)\):? ", each) for each in items
    ]
    tables = re.findall(
        r"^\| `(\w+)`[ *]*\|[^|]+\| ([^|]+?) \| [^|]+ \|$", section(heading), re.MULTILINE
    )
    pairs = tables or [each.groups() for each in found if each]
    return {name: default.strip("`") for name, default in pairs}


def default(info: FieldInfo) -> str:
    value: Any = info.default
    if info.is_required():
        return "required"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Clone):
        return "true"
    if value is None and "Clone" in str(info.annotation):
        return "false"
    if value == 0 and any(isinstance(each, BeforeValidator) for each in info.metadata):
        return "0s"
    if not value and value != 0:
        return "none"
    return "none" if isinstance(value, BaseModel) else WRITTEN.get(value, str(value))


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_setting_is_documented_with_its_default(heading: str) -> None:
    fields = SECTIONS[heading].model_fields
    expected = {info.alias or name: default(info) for name, info in fields.items()}
    expected.pop("name", None)
    assert rows(heading) == expected
    assert list(rows(heading)) == list(expected)


def test_every_variable_is_documented_with_its_default() -> None:
    assert rows("Environment variables") == {v.name: v.default or "none" for v in VARIABLES}
    starred = set(re.findall(r"^- `(\w+)` \* \(", PAGE, re.MULTILINE))
    assert starred == {v.name for v in VARIABLES if v.secret}


def test_the_variables_of_a_job_are_documented() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("What a job is told"), re.MULTILINE)
    assert set(named) == RESERVED


def test_the_providers_are_documented() -> None:
    listed = " ".join(section("Hooks").split())
    assert ", ".join(f"`{name}`" for name in PROVIDERS) in listed


def test_the_example_is_valid(tmp_path: Path) -> None:
    match = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert match
    file = tmp_path / "c.yaml"
    file.write_text(match[1])
    environ = dict.fromkeys(re.findall(r"env: ([A-Z_]+)", match[1]), "x" * 16)
    read = read_configuration(file, environ)
    assert len(environ) == 3
    assert set(read.hooks) == {"github", "team-b"}
    assert set(read.targets) == set(yaml.safe_load(match[1])["targets"])
