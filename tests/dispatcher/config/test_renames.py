"""`renamed_from`: what it may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.config import describe, read_configuration
from dispatcher.domain.errors import ConfigError

SETTINGS = "repository: https://github.com/acme/a, branches: [main], job: {image: x}"


def write(folder: Path, file: str = "c.yaml", **targets: str) -> Path:
    """Targets with the name that each was renamed from, "" for none."""
    lines = [
        f"  {name.replace('_', '-')}: {{{SETTINGS}{f', renamed_from: {was}' if was else ''}}}"
        for name, was in targets.items()
    ]
    path = folder / file
    path.write_text("\n".join(["version: 1", "targets:", *lines, ""]))
    return path


def mistakes(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_configuration(path, {})
    return [mistake.rpartition("/")[2] for mistake in raised.value.mistakes]


def test_a_target_has_the_name_that_it_had(tmp_path: Path) -> None:
    read = read_configuration(write(tmp_path, web_shop="shop", docs=""), {})

    assert {name: target.renamed_from for name, target in read.targets.items()} == {
        "web-shop": "shop",
        "docs": "",
    }
    assert describe(read)["targets"]["web-shop"]["renamed_from"] == "shop"


def test_not_its_own_name(tmp_path: Path) -> None:
    (mistake,) = mistakes(write(tmp_path, shop="shop"))

    assert mistake.startswith("c.yaml:3: targets.shop.renamed_from: is the target's own name")


def test_not_the_name_of_another_target_in_whatever_file(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", docs="", web_shop="shop")
    write(tmp_path, "b.yaml", shop="")

    assert mistakes(tmp_path) == [
        'a.yaml:4: targets.web-shop.renamed_from: "shop" is a configured target; '
        "remove that target or this line"
    ]


def test_also_not_of_one_that_has_mistakes(tmp_path: Path) -> None:
    path = write(tmp_path, web_shop="shop")
    path.write_text(path.read_text() + "  shop: {}\n")

    assert any('"shop" is a configured target' in mistake for mistake in mistakes(path))


def test_one_target_only(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", web_shop="shop")
    write(tmp_path, "b.yaml", store="shop")

    assert mistakes(tmp_path) == [
        'b.yaml:3: targets.store.renamed_from: "shop" is also the former name of web-shop; '
        "keep one of them"
    ]


def test_not_for_all_targets(tmp_path: Path) -> None:
    path = write(tmp_path, shop="")
    path.write_text(path.read_text() + "defaults: {renamed_from: old}\n")

    assert any("cannot be in `defaults`" in mistake for mistake in mistakes(path))


def test_not_what_no_target_can_be_called(tmp_path: Path) -> None:
    (mistake,) = mistakes(write(tmp_path, shop="Shop_1"))

    assert "is not a valid name" in mistake
