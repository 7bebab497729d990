"""deploy/examples is valid, and does what its pages say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dispatcher import cli
from dispatcher.config import Configuration, read_configuration
from dispatcher.domain.errors import ConfigError

ROOT = Path(__file__).parents[1]
FIFTY = ROOT / "deploy" / "examples" / "fifty-repositories"
PAGE = (FIFTY / "README.md").read_text()
TEAMS = sorted(path.stem for path in (FIFTY / "config").glob("[a-z]*.yaml"))


@pytest.fixture(scope="module")
def fifty() -> Configuration:
    text = "".join(path.read_text() for path in (FIFTY / "config").glob("*.yaml"))
    environ = dict.fromkeys(re.findall(r"env: (\w+)", text), "a-secret-for-this-test")
    return read_configuration(FIFTY / "config", environ)


def snippets() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_fifty_repositories_of_five_teams(fifty: Configuration) -> None:
    assert len({target.repository for target in fifty.targets.values()}) == 50
    assert {name.split("-")[0] for name in fifty.targets} == set(fifty.hooks) == set(TEAMS)


def test_each_team_stays_in_its_namespace_and_clones_with_its_secret(fifty: Configuration) -> None:
    for team in TEAMS:
        own = yaml.safe_load((FIFTY / "config" / f"{team}.yaml").read_text())

        assert {each["namespace"] for each in own["targets"].values()} == {team}
        assert {each["job"]["clone"]["secret"] for each in own["targets"].values()} == {
            f"{team}-git"
        }
        assert own["hooks"][team]["repositories"] == [f"github.com/acme-{team}/*"]


def test_each_job_has_what_all_share(fifty: Configuration) -> None:
    (image,) = {target.job.image for target in fifty.targets.values()}  # type: ignore[union-attr]

    assert image == "registry.example.com/deployer:3"


def test_the_check_of_the_page_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (command, *_) = [each for each in snippets() if each.startswith("git-dispatcher check")]
    monkeypatch.chdir(FIFTY)

    done = CliRunner().invoke(cli.build(), command.split()[1:])

    assert done.exit_code == 0
    assert done.stderr == ""


def test_a_mistake_fails_the_check_with_its_line(tmp_path: Path) -> None:
    for path in (FIFTY / "config").glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("ledger.git", "ledger git"))

    done = CliRunner().invoke(cli.build(), ["check", str(tmp_path), "--without-secrets"])

    assert isinstance(done.exception, ConfigError)
    said = str(done.exception)
    assert re.search(r"payments\.yaml:\d+: targets\.payments-ledger\.repository: ", said)


def test_the_page_lists_every_file_for_the_config_map() -> None:
    (listed,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (generator,) = yaml.safe_load(listed)["configMapGenerator"]

    assert {FIFTY / file for file in generator["files"]} == set((FIFTY / "config").glob("*.yaml"))


def test_the_loop_of_the_page_gives_each_team_both_roles() -> None:
    (loop,) = [each for each in snippets() if "accounts.yaml" in each]
    command = ["bash", "-c", f"kubectl() {{ cat; echo ---; }}\n{loop}"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    for kind in ("Role", "RoleBinding"):
        made = [each["metadata"]["namespace"] for each in objects if each["kind"] == kind]
        assert sorted(made) == sorted([*TEAMS, *TEAMS])
    subjects = {s["namespace"] for each in objects for s in each.get("subjects", ())}
    assert subjects == {"git-dispatcher"}
