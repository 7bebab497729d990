"""`git-dispatcher web`, `worker`, `watcher` and `check`, as processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from dispatcher.cli import main
from dispatcher.ledger import Keys
from dispatcher.local.ports import free_port
from tests.dispatcher.commands.test_cli import run
from tests.dispatcher.http.web import CONFIGURATION, Web
from tests.dispatcher.webhooks.support import sent
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]

MISTAKES = """
version: 1
hooks:
  github: {provider: githob, secrets: [{env: NOT_SET}], repositories: ["github.com/acme/*"]}
targets:
  shop:
    repository: https://github.com/acme/shop
    branches: [main]
    on_new_push: abort
    job: {image: deployer, timeout: 15}
  docs:
    repository: https://github.com/acme/docs
    job: {image: deployer}
"""


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with Web(tmp_path, redis_url, keys) as web:
        yield web


@pytest.fixture
def stopped(tmp_path: Path, redis_url: str, keys: Keys) -> Web:
    """Files and environment of a web application that does not run."""
    return Web(tmp_path, redis_url, keys)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", trust_env=False, verify=False).is_success
    except httpx.HTTPError:
        return False


def test_web_serves_and_stops_when_told(stopped: Web, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dispatcher.cli", "web", "--host", "127.0.0.1"]
    environ = {**stopped.environ, "PORT": str(port), "DISPATCHER_LOG_FORMAT": "json"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environ, cwd=ROOT, stderr=log)
    assert eventually(lambda: answers(url))

    delivery = sent("github/push__branch")
    headers = [(n, v) for n, v in delivery.raw_headers if n != b"host"]
    response = httpx.post(
        f"{url}/webhooks/github",
        content=delivery.body,
        headers=headers,
        trust_env=False,
        verify=False,
    )
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == 0
    assert response.status_code == 202
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    (line,) = (each for each in told if each["event"] == "delivery")
    assert (line["hook"], line["results"][0]) == ("github", "shop: accepted shop/1")
    stopped.clean_up()


def test_web_says_when_the_port_is_taken(web: Web) -> None:
    port = web.url.rpartition(":")[2]

    done = run("web", "--host", "127.0.0.1", "--port", port, cwd=ROOT, **web.environ)

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr


def test_web_does_not_start_with_mistakes(stopped: Web) -> None:
    stopped.config.write_text(MISTAKES)

    done = run("web", "--port", "0", cwd=ROOT, **stopped.environ)

    assert done.returncode == 2
    assert 'PORT: "0" is not a whole number in range' in done.stderr
    assert "githob" in done.stderr


@pytest.mark.parametrize("verb", ["worker", "watcher"])
def test_what_acts_on_the_cluster_is_a_program_of_its_own(
    stopped: Web, verb: str, tmp_path: Path
) -> None:
    environ = {**stopped.environ, "KUBECONFIG": str(tmp_path / "none")}
    (tmp_path / "workers.py").write_text("raise SystemExit('somebody else\\'s workers')")

    done = run(verb, cwd=tmp_path, **environ)

    assert done.returncode == 2
    assert done.stderr.startswith(f"git-dispatcher {verb}: ")


def test_check_says_what_it_understood(
    stopped: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in stopped.environ.items():
        monkeypatch.setenv(name, value)

    assert main(["check", "--verbose"]) == 0
    text = capsys.readouterr().out
    assert main(["check", "--output", "json", str(stopped.config)]) == 0
    understood = json.loads(capsys.readouterr().out)

    assert "    repository: https://github.com/acme/shop\n" in text
    assert "    secrets: env OLD_SECRET, env HOOK_SECRET\n" in text
    assert text.endswith("3 hooks, 6 targets: no mistakes\n")
    assert set(understood["targets"]) == set(re.findall(r"^  ([\w-]+):$", CONFIGURATION, re.M)) - {
        "github",
        "gitlab",
        "plain",
    }
    assert stopped.environ["HOOK_SECRET"] not in text


def test_check_warns_of_what_is_rather_not_meant(stopped: Web) -> None:
    (stopped.config.parent / "job.json").write_text(json.dumps(NEAR_THE_NODE))
    stopped.config.write_text(WARNED)

    done = run("check", cwd=ROOT, **stopped.environ)
    as_json = run("check", "--output", "json", cwd=ROOT, **stopped.environ)

    assert (done.returncode, as_json.returncode) == (0, 0)
    secret, pid = done.stderr.splitlines()
    assert secret.startswith("warning: targets.shop.job.clone.secret: is sent unencrypted")
    assert ": spec.template.spec.hostPID: target docs: shows it all processes of the node" in pid
    assert done.stdout.endswith("1 hook, 2 targets: no mistakes, 2 warnings\n")
    assert [f"warning: {each}" for each in json.loads(as_json.stdout)["warnings"]] == [secret, pid]


WARNED = """\
version: 1
hooks:
  any: {provider: github, insecure: true, repositories: ["**"]}
targets:
  shop:
    repository: http://git.example.com/acme/shop
    branches: [main]
    job: {image: busybox, clone: {secret: key}}
  docs: {repository: https://git.example.com/acme/docs, branches: [main], job: {manifest: job.json}}
"""
NEAR_THE_NODE = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": {
        "template": {
            "spec": {"hostPID": True, "containers": [{"name": "main", "image": "busybox"}]}
        }
    },
}


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["check", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def without(stopped: Web, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """The environment of `stopped` except for these, and with a token that is no good."""
    for name, value in {**stopped.environ, "DISPATCHER_API_TOKENS": "short"}.items():
        monkeypatch.setenv(name, value)
    for name in names:
        monkeypatch.delenv(name)


def test_check_has_a_line_for_each_hook_and_target(
    stopped: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = {
        f"shop-{n}": {
            "repository": f"https://github.com/acme/shop-{n}",
            "branches": ["main"],
            "tags": ["v*"],
            "paths": ["services/**"],
            "job": {"image": "deployer"},
        }
        for n in range(50)
    }
    hook = {"provider": "github", "insecure": True, "repositories": ["github.com/acme/*"]}
    configured = {"version": 1, "hooks": {"github": hook}, "targets": targets}
    stopped.config.write_text(yaml.safe_dump(configured, sort_keys=False))

    code, text, _ = check(capsys, str(stopped.config))

    lines = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    assert (code, len(lines)) == (0, 56)
    assert lines[1] == ["github", "github", "none: insecure", "github.com/acme/*"]
    assert lines[4] == [
        "shop-0",
        "https://github.com/acme/shop-0",
        "default",
        "deployer",
        "main, tag v* in services/**",
    ]
    assert lines[-1] == ["1 hook, 50 targets: no mistakes"]


@pytest.mark.parametrize("output", ["table", "json"])
def test_check_looks_no_secret_up_where_there_is_none(
    stopped: Web,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
) -> None:
    without(stopped, monkeypatch, "HOOK_SECRET", "OLD_SECRET", "REDIS_URL")
    monkeypatch.setenv("REDIS_URL_FILE", "/nonexistent")

    with_secrets = check(capsys, "--output", output)
    code, out, _ = check(capsys, "--without-secrets", "--output", output)

    assert (with_secrets[0], code) == (2, 0)
    if output == "json":
        sections = {"hooks", "targets", "deliveries", "cluster", "logs", "notifications"}
        assert set(json.loads(out)) == {*sections, "warnings"}
    else:
        assert out.endswith("3 hooks, 6 targets: no mistakes; secrets were not looked at\n")


def test_check_says_so_where_nothing_but_secrets_is_missing(
    stopped: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stopped.environ["HOOK_SECRET"]
    only_secrets = run("check", cwd=ROOT, **stopped.environ)
    stopped.config.write_text(MISTAKES)
    other = run("check", cwd=ROOT, **stopped.environ)

    way_out = "all else is right: where there are no secrets, `check --without-secrets` is enough"
    assert only_secrets.stderr.splitlines()[-1] == way_out
    assert (only_secrets.returncode, other.returncode) == (2, 2)
    assert way_out not in other.stderr


def test_check_without_secrets_finds_every_other_mistake(
    stopped: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(stopped, monkeypatch)
    stopped.config.write_text(MISTAKES)

    code, _, told = check(capsys, "--without-secrets")

    assert code == 2
    assert "4 mistakes in the configuration" in told
    assert "NOT_SET" not in told


def test_check_warns_of_a_target_that_no_hook_speaks_for(
    stopped: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = stopped.config.read_text().replace("gitlab.com/acme/shop", "gitlab.com/other/shop")
    stopped.config.write_text(text)

    code, out, told = check(capsys, "--without-secrets", str(stopped.config))
    as_json = json.loads(check(capsys, "--without-secrets", "-o", "json", str(stopped.config))[1])

    (warning,) = as_json["warnings"]
    assert code == 0
    assert warning == (
        "targets.lab.repository: no hook speaks for gitlab.com/other/shop, so no "
        "push deploys it; add it to the `repositories` of the hook that its Git host sends to"
    )
    assert told == f"warning: {warning}\n"
    assert out.endswith("no mistakes, 1 warning; secrets were not looked at\n")


def test_check_warns_of_a_variable_that_is_almost_one_of_ours(
    stopped: Web, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {
        "DISPATCHER_TRUSTED_PROXYS": "10.0.0.0/8",
        "DISPATCHER_API_TOKENS_FIL": "/run/tokens",
        "DISPATCHER_API_TOKEN": "the commands read that one",
        "DISPATCHER_URL": "https://deploy.example.com",
        "DISPATCHER_SERVICE_HOST": "10.0.0.1",
        "DISPATCHER_PORT_80_TCP": "tcp://10.0.0.1:80",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)

    code, _, told = check(capsys, "--without-secrets", str(stopped.config))

    assert code == 0
    meant = {"API_TOKENS_FIL": "API_TOKENS_FILE", "TRUSTED_PROXYS": "TRUSTED_PROXIES"}
    assert told.splitlines() == [
        f'warning: DISPATCHER_{wrong}: is not a variable of git-dispatcher; did you mean "DISPATCHER_{right}"?'
        for wrong, right in meant.items()
    ]


def test_without_any_hook_there_is_one_warning(
    stopped: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    text = stopped.config.read_text()
    stopped.config.write_text("version: 1\n" + text[text.index("targets:") :])

    _, out, told = check(capsys, str(stopped.config))

    said = "hooks: is empty, so no push deploys anything; add a hook"
    assert told == f"warning: {said}\n"
    assert out.endswith("0 hooks, 6 targets: no mistakes, 1 warning\n")


def test_check_prints_every_mistake(stopped: Web) -> None:
    stopped.config.write_text(MISTAKES)

    done = run("check", cwd=ROOT, **stopped.environ)
    as_json = run("check", "--output", "json", cwd=ROOT, **stopped.environ)

    assert (done.returncode, done.stdout) == (2, "")
    first, *mistakes = done.stderr.splitlines()
    assert "5 mistakes in the configuration" in first
    for mistake, said in zip(
        mistakes, ["githob", "NOT_SET", "abort", "15", "branches"], strict=True
    ):
        assert said in mistake
    assert as_json.returncode == 2
    assert json.loads(as_json.stdout)["mistakes"] == mistakes
