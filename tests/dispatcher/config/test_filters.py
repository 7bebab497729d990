"""What a target's filters may be in a file, and a configuration that is read without its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.config import describe, read_without_secrets
from dispatcher.domain.errors import ConfigError
from tests.dispatcher.config.test_targets import SHOP, Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_tags_take_ranges_of_versions(files: Files) -> None:
    target = files.target(f'{{{SHOP}, tags: ["semver:>=1.2 <2", "!semver:1.5.3", nightly]}}')

    assert target.tags == ("semver:>=1.2 <2", "!semver:1.5.3", "nightly")


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ('["semver:latest"]', "write it like `>=1.2 <2`"),
        ('["semver:>2 <1"]', "no version satisfies '>2 <1': change one of its bounds"),
        ('[">=1.2 <2"]', "a version range begins with semver:, like 'semver:>=1.2 <2'"),
        ('[semver: "^1"]', 'is not text; put it in quotes, like "semver:>=1.2 <2"'),
        (f'["semver:{"1 " * 600}"]', "1 to 1024 characters"),
    ],
)
def test_ranges_that_cannot_be(files: Files, tags: str, said: str) -> None:
    (mistake,) = files.mistakes(f"version: 1\ntargets:\n  shop: {{{SHOP}, tags: {tags}}}\n")

    assert mistake.startswith("c.yaml:3: targets.shop.tags[0]: ")
    assert said in mistake


def test_branches_are_no_versions(files: Files) -> None:
    shop = SHOP.replace("[main]", '["semver:^1"]')

    (mistake,) = files.mistakes(f"version: 1\ntargets:\n  shop: {{{shop}}}\n")

    assert "a version range, which works for tags only" in mistake


def test_markers_in_messages_can_be_left_unheeded_everywhere(files: Files) -> None:
    defaults = "defaults: {skip_markers: false}"

    assert files.target(f"{{{SHOP}}}").skip_markers
    assert not files.target(f"{{{SHOP}}}", before=defaults).skip_markers
    assert files.target(f"{{{SHOP}, skip_markers: true}}", before=defaults).skip_markers


SECRETS = """
version: 1
hooks:
  all:
    provider: azure-devops
    secrets: [{env: NOT_SET}, {file: none}]
    repositories: ["**"]
"""


def test_without_secrets_none_is_looked_up_and_nothing_can_be_authenticated(files: Files) -> None:
    path = files.write(SECRETS)

    read = read_without_secrets(path)

    assert [secret.reveal() for secret in read.hooks["all"].secrets] == [b"", b""]
    assert describe(read)["hooks"]["all"]["secrets"] == [
        "env NOT_SET",
        f"file {files.directory / 'none'}",
    ]


@pytest.mark.parametrize("secret", ["{env: a b}", "plain", "{file: a, env: B}"])
def test_without_secrets_their_places_must_be_right_all_the_same(files: Files, secret: str) -> None:
    path = files.write(SECRETS.replace("{env: NOT_SET}", secret))

    with pytest.raises(ConfigError):
        read_without_secrets(path)
