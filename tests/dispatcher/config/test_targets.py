"""What configuration files mean, and what is said about their mistakes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from dispatcher.config import (
    Configuration,
    EnvReference,
    ManifestJob,
    ShortJob,
    describe,
    load,
    read_configuration,
)
from dispatcher.domain.errors import ConfigError
from dispatcher.domain.repositories import normalize_repository
from dispatcher.domain.secret import Secret
from dispatcher.domain.spec import Policies

JOB = """\
apiVersion: batch/v1
kind: Job
spec:
  template:
    spec:
      containers: [{name: main, image: busybox}]
"""


class Files:
    """A directory of configuration files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ = {"SECRET": "hush-hush"}

    def write(self, text: str, name: str = "c.yaml") -> Path:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def read(self, text: str) -> Configuration:
        return read_configuration(self.write(text), self.environ)

    def target(self, settings: str, before: str = "") -> Any:
        text = f"version: 1\n{before}\ntargets:\n  shop: {settings}\n"
        return self.read(text).targets["shop"]

    def mistakes(self, text: str) -> list[str]:
        """Without the directory, which differs from test to test."""
        return self.mistakes_in(self.write(text))

    def mistakes_in(self, path: Path) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read_configuration(path, self.environ)
        return [line.replace(f"{self.directory}/", "") for line in caught.value.mistakes]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


SHOP = "repository: https://github.com/acme/shop, branches: [main], job: {image: x}"


def test_the_example_of_the_documentation_is_understood(files: Files) -> None:
    (files.directory / "old").write_text("rotated away\n")
    files.write(JOB, "jobs/docs.yaml")
    configuration = files.read("""\
version: 1
hooks:
  github:
    provider: github
    secrets: [{env: SECRET}, {file: old}]
    repositories: ["github.com/acme/*"]
defaults: {namespace: deploys, on_new_push: wait, keep_failed: 1}
targets:
  shop:
    repository: https://github.com/acme/shop
    branches: [main, "release/*"]
    paths: ["services/**", "!**/*.md"]
    job: {image: ghcr.io/acme/deployer:3, command: [./deploy.sh], timeout: 15m, retries: 2}
  docs:
    repository: git@gitlab.com:acme/docs.git
    tags: ["v*"]
    on_new_push: cancel
    job: {manifest: jobs/docs.yaml}
""")
    hook = configuration.hooks["github"]
    assert (hook.name, hook.provider, hook.max_body) == ("github", "github", 25 * 1024 * 1024)
    assert [secret.reveal() for secret in hook.secrets] == [b"hush-hush", b"rotated away"]
    shop, docs = configuration.targets["shop"], configuration.targets["docs"]
    assert shop.branches == ("main", "release/*")
    assert shop.paths == ("services/**", "!**/*.md")
    assert shop.namespace == docs.namespace == "deploys"
    assert isinstance(shop.job, ShortJob)
    assert shop.job.command == ("./deploy.sh",)
    assert shop.job.clone is not None
    assert docs.on_new_push == "cancel"
    assert docs.policies() == Policies(on_new_push="cancel", keep_failed=1)
    assert isinstance(docs.job, ManifestJob)
    assert docs.job.manifest.document["kind"] == "Job"
    assert docs.job.clone is None
    assert shop.policies() == Policies(on_new_push="wait", timeout=900, retries=2, keep_failed=1)
    assert {path.name for path in configuration.files} == {"c.yaml", "old", "docs.yaml"}


def test_five_mistakes_are_five_lines(files: Files) -> None:
    assert files.mistakes("""\
version: 1
hooks:
  github:
    provider: githb
    secrets: [hunter2]
    repositories: ["**"]
targets:
  shop:
    repository: https://github.com/acme/shop
    branchs: [main]
    tags: ["v*"]
    keep_failed: 99
    job:
      image: deployer:3
      timeout: 15
""") == [
        'c.yaml:4: hooks.github.provider: "githb" is not a provider; did you mean "github"?',
        "c.yaml:5: hooks.github.secrets[0]: does not say where the secret is; "
        "write {env: NAME} or {file: PATH}",
        'c.yaml:10: targets.shop.branchs: is not a setting here; did you mean "branches"?',
        "c.yaml:12: targets.shop.keep_failed: 99 is too large; 50 is the most",
        "c.yaml:15: targets.shop.job.timeout: 15 is not a duration; write it like 90s, 15m or 2h",
    ]


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ("{repository: x, branches: [a], job: {image: x}}", '"x" is not a repository URL'),
        ("{branches: [main], job: {image: x}}", "repository: is missing"),
        (f"{{{SHOP}, keep_failed: '3'}}", '"3" is not a whole number'),
        (f"{{{SHOP}, keep_failed: true}}", "true is not a whole number"),
        (f"{{{SHOP}, keep_failed_for: 9999d}}", '"9999d" is out of range; choose between 0s and'),
        (f"{{{SHOP}, on_new_push: weit}}", '"weit" is not one of cancel, wait'),
        (f"{{{SHOP}, on_new_push: each}}", '"each" is not one of cancel, wait, every'),
        (f"{{{SHOP}, every_limit: 0}}", "every_limit: 0 is too small; 1 is the least"),
        (f"{{{SHOP}, every_limit: 1001}}", "every_limit: 1001 is too large; 1000 is the most"),
        (f"{{{SHOP}, interruptible: 'false'}}", "is neither true nor false"),
        (f"{{{SHOP}, quiet_period: 10}}", "quiet_period: 10 is not a duration"),
        (
            f"{{{SHOP}, quiet_period: 11m}}",
            "shop.quiet_period: quiet_period (11m) is longer than quiet_max (10m); shorten it",
        ),
        (f"{{{SHOP}, start_timeout: 0s}}", '"0s" is out of range; choose between 1s and 7d'),
        (f"{{{SHOP}, start_attempts: 11}}", "start_attempts: 11 is too large; 10 is the most"),
        (f"{{{SHOP}, stop_timeout: 8d}}", '"8d" is out of range; choose between 1s and 7d'),
        (f"{{{SHOP}, keep_succeeded_for: -1s}}", '"-1s" is not a duration'),
        (f"{{{SHOP}, namespace: Prod}}", '"Prod" is not a valid name'),
        (f"{{{SHOP}, clear_failed_on_success: yes}}", "yes is ambiguous in YAML"),
        (f"{{{SHOP}, timeout: 3m}}", 'not a setting here; did you mean "job.timeout"?'),
        (f"{{{SHOP}, name: x}}", "the name is the key above it"),
        (f"{{{SHOP}, tags: []}}", "tags: is empty; list at least one"),
        (f"{{{SHOP}, tags: v1}}", '"v1" is not a list'),
        (f"{{{SHOP}, tags: [1.10]}}", '1.10 is not text; put it in quotes: "1.10"'),
        (f"{{{SHOP}, tags: [refs/tags/v1]}}", "is in no branch's or tag's short name"),
        (f"{{{SHOP}, paths: [/src]}}", "a name never begins with a slash or dot"),
        (f"{{{SHOP}, paths: }}", "nothing is there; give it a value or remove the line"),
        ("{repository: https://a.b/c, job: {image: x}}", "has neither `branches` nor `tags`"),
        ("5", "5 is not a mapping"),
        ("", "nothing is there"),
    ],
)
def test_a_target_s_mistake_says_what_to_do(files: Files, settings: str, mistake: str) -> None:
    lines = files.mistakes(f"version: 1\ntargets:\n  shop: {settings}\n")
    assert any(mistake in line for line in lines), lines
    assert all(line.startswith("c.yaml:3: targets.shop") for line in lines)


POLICIES = """
  on_new_push: every
  every_limit: 50
  interruptible: false
  quiet_period: 30s
  quiet_max: 5m
  start_timeout: 2m
  start_attempts: 5
  stop_timeout: 1m
  keep_succeeded_for: 1h
"""


def test_policies_may_all_stand_in_defaults(files: Files) -> None:
    target = files.target(f"{{{SHOP}, quiet_period: 20s}}", f"defaults: {POLICIES}")

    assert target.policies() == Policies(
        on_new_push="every",
        every_limit=50,
        interruptible=False,
        quiet_period=20,
        quiet_max=300,
        start_timeout=120,
        start_attempts=5,
        stop_timeout=60,
        keep_succeeded_for=3600,
    )
    assert target.every == 50


@pytest.mark.parametrize("on_new_push", ["cancel", "wait"])
def test_pushes_that_are_merged_wait_alone(files: Files, on_new_push: str) -> None:
    assert files.target(f"{{{SHOP}, on_new_push: {on_new_push}, every_limit: 50}}").every == 0


@pytest.mark.parametrize(
    ("defaults", "target", "where"),
    [
        ("quiet_period: 1h", "", ["c.yaml:2: defaults.quiet_period"]),
        ("quiet_period: 5m", "quiet_max: 1m", ["c.yaml:4: targets.shop.quiet_max"]),
        ("quiet_max: 1m", "quiet_period: 5m", ["c.yaml:4: targets.shop.quiet_period"]),
    ],
)
def test_a_conflict_is_reported_where_it_was_made(
    files: Files, defaults: str, target: str, where: list[str]
) -> None:
    own = f"{SHOP}, {target}" if target else SHOP
    lines = files.mistakes(f"version: 1\ndefaults: {{{defaults}}}\ntargets:\n  shop: {{{own}}}\n")

    assert [line.partition(": quiet_period (")[0] for line in lines] == where


@pytest.mark.parametrize(
    ("job", "mistake"),
    [
        ("{}", "job.image: is missing"),
        ("{image: x, comand: [a]}", 'did you mean "command"?'),
        ("{image: x, command: ./deploy.sh}", '"./deploy.sh" is not a list'),
        (
            "{image: x, command: [sleep, 5]}",
            'job.command[1]: 5 is not text; put it in quotes: "5"',
        ),
        ("{image: 'a b'}", '"a b" is not an image'),
        ("{image: x, retries: 99}", "99 is too large; 20 is the most"),
        ("{image: x, timeout: 0s}", '"0s" is out of range; choose between 1s and 7d'),
        ("{image: x, timeout: 1.5h}", '"1.5h" is not a duration'),
        ("{image: x, clone: }", "job.clone: has no value; write true, false"),
        (
            "{image: x, clone: {dept: 1}}",
            'job.clone.dept: is not a setting here; did you mean "depth"?',
        ),
        ("{image: x, env: {GIT_COMMIT: x}}", "GIT_COMMIT is set by git-dispatcher"),
        ("{image: x, env: {A-B: x}}", '"A-B" is not a variable name'),
        ("{image: x, env: {A: {secret: x}}}", "job.env.A.key: is missing"),
        ("{image: x, env: {A: {key: x}}}", "must name either a Secret or a ConfigMap"),
        (
            "{image: x, env_from: [{secret: a, config_map: b}]}",
            "must name either a Secret or a ConfigMap",
        ),
        ("{image: x, resources: {limits: {memory: 1 GB}}}", '"1 GB" is not a quantity'),
        ("{image: x, node_selector: {gpu: true}}", 'true is not text; put it in quotes: "true"'),
        ("{manifest: none.yaml}", "none.yaml: cannot be read (No such file or directory)"),
        ('{manifest: "a\\nb.yaml"}', "a\\nb.yaml: cannot be read"),
        ("{manifest: 5}", "5 is not a file name"),
        ("{manifest: '\\0'}", "cannot be read"),
        ("[]", "a list is not a mapping"),
    ],
)
def test_a_job_s_mistake_says_what_to_do(files: Files, job: str, mistake: str) -> None:
    lines = files.mistakes(
        "version: 1\n"
        f"targets: {{shop: {{repository: https://a.b/c, branches: [main], job: {job}}}}}"
    )
    assert any(mistake in line for line in lines), lines


@pytest.mark.parametrize(
    "repository",
    [
        "https://github.com/acme/shop",
        "http://git.local:3000/acme/shop.git",
        "ssh://git@git.local:2222/acme/shop.git",
        "git://git.local/acme/shop",
        "git@github.com:acme/shop.git",
        "github.com:acme/shop",
        "file:///srv/git/shop.git",
        "https://[2001:db8::1]:8443/acme/shop",
    ],
)
def test_a_repository_may_be_given_in_any_usual_way(files: Files, repository: str) -> None:
    target = files.target(f"{{repository: '{repository}', branches: [a], job: {{image: x}}}}")
    assert target.repository == repository


def test_a_path_becomes_a_url(files: Files) -> None:
    target = files.target("{repository: /srv/my shop.git, branches: [a], job: {image: x}}")
    assert target.repository == "file:///srv/my%20shop.git"


@pytest.mark.parametrize(
    "repository",
    [
        "https://user:hunter2@github.com/acme/shop",
        "https://user:@github.com/acme/shop",
        "https://user:hunter2@@github.com/acme/shop",
        "ssh://user:hunter2@github.com/acme/shop",
        "htps://user:hunter2@github.com/acme/shop",
        "htps://hunter2@github.com/acme/shop",
        "https:/user:hunter2@github.com/acme/shop",
        "https:user:hunter2@github.com/acme/shop",
        "user:hunter2@github.com/acme/shop",
        "user:hunter2@github.com:acme/shop",
        "https://ghp_hunter2hunter2hunter2@github.com/acme/shop",
        "https://github_pat_hunter2hunter2hunter2@github.com/acme/shop",
        "https://glpat-hunter2hunter2hunter2@gitlab.com/acme/shop",
        f"https://{'hunter2' * 8}@dev.azure.com/acme/shop/_git/shop",
        "https://github.com/",
        "https://github.com/a?token=hunter2",
        "https://hunter2@github.com/a?token=hunter2",
        "ftp://github.com/a",
        "ext::sh -c hunter2",
        "-oProxyCommand=hunter2:a",
        "ssh://-oProxyCommand=x/a",
        "file://host/a",
        "https://host:99999/a",
        "https://[/a",
        "a b",
        "acme/shop",
        "https://a.b/../c",
        "",
    ],
)
def test_what_is_no_repository_is_refused(files: Files, repository: str) -> None:
    lines = files.mistakes(
        f"version: 1\ntargets: {{s: {{repository: '{repository}', tags: [a], job: {{image: x}}}}}}"
    )
    assert len(lines) == 1
    assert lines[0].startswith("c.yaml:2: targets.s.repository: ")
    assert "@" not in repository or "hunter2" not in lines[0]
    assert "?" not in repository or "hunter2" not in lines[0]


@pytest.mark.parametrize(
    ("repository", "cloned"),
    [
        (
            "https://acme@dev.azure.com/acme/Web%20Shop/_git/shop",
            "https://dev.azure.com/acme/Web%20Shop/_git/shop",
        ),
        ("HTTPS://Ann@bitbucket.org/acme/shop.git", "HTTPS://bitbucket.org/acme/shop.git"),
        ("https://a%40b@git.example.com:8443/x", "https://git.example.com:8443/x"),
        ("git://ann@git.local/acme/shop", "git://git.local/acme/shop"),
        ("ssh://ann@git.local/acme/shop", "ssh://ann@git.local/acme/shop"),
        ("https://git.local/@acme/shop", "https://git.local/@acme/shop"),
    ],
)
def test_a_bare_user_name_is_no_secret_and_left_out_of_what_is_cloned(
    files: Files, repository: str, cloned: str
) -> None:
    target = files.target(f"{{repository: '{repository}', branches: [a], job: {{image: x}}}}")

    assert target.repository == cloned
    assert normalize_repository(target.repository) == normalize_repository(repository)


def test_a_refused_url_is_shown_without_what_may_be_private(files: Files) -> None:
    (line,) = files.mistakes(
        "version: 1\ntargets: {s: {repository: 'htps://ann@git.local/a?token=x', tags: [a], "
        "job: {image: x}}}"
    )

    assert '"htps://…git.local/a…" is not a repository' in line


def test_env_takes_values_and_references(files: Files) -> None:
    target = files.target(f"""
    {{{SHOP.replace("{image: x}", "{image: x, env: {A: b, C: {secret: s, key: k}}}")}}}""")
    assert target.job.env == {"A": "b", "C": EnvReference(secret="s", key="k")}


def test_clone_can_be_left_out_or_set(files: Files) -> None:
    for written, depth in (("true", 1), ("{depth: 0}", 0)):
        job = files.target(f"{{{SHOP.replace('x}', f'x, clone: {written}}}')}}}").job
        assert job.clone.depth == depth
    assert files.target(f"{{{SHOP.replace('x}', 'x, clone: false}')}}}").job.clone is None


class TestDefaults:
    def test_a_target_s_own_settings_come_first(self, files: Files) -> None:
        target = files.target(
            f"{{{SHOP.replace('x}', 'x, retries: 1}')}, keep_failed: 7}}",
            "defaults: {keep_failed: 2, max_supersedes: 3, job: {retries: 4, timeout: 2m}}",
        )
        assert (target.keep_failed, target.max_supersedes) == (7, 3)
        assert (target.job.retries, target.job.timeout) == (1, 120)

    def test_they_can_hold_all_of_a_job(self, files: Files) -> None:
        target = files.target(
            "{repository: https://a.b/c, branches: [main]}", "defaults: {job: {image: x}}"
        )
        assert target.job.image == "x"

    def test_a_manifest_takes_only_what_it_can_use(self, files: Files) -> None:
        files.write(JOB, "job.yaml")
        target = files.target(
            f"{{{SHOP.replace('image: x', 'manifest: job.yaml')}}}",
            "defaults: {job: {timeout: 2m, image: y, service_account: z, clone: {depth: 3}}}",
        )
        assert target.job.timeout == 120
        assert target.job.clone is None

    def test_their_mistakes_are_said_once_and_where_they_are(self, files: Files) -> None:
        assert files.mistakes(f"""\
version: 1
defaults:
  namespace: A B
  job:
    timeout: 5
    env: {{A: {{secret: s}}}}
targets:
  one: {{{SHOP}}}
  two: {{{SHOP}}}
""") == [
            'c.yaml:3: defaults.namespace: "A B" is not a valid name; '
            "use lower-case letters, digits and inner dashes",
            "c.yaml:5: defaults.job.timeout: 5 is not a duration; write it like 90s, 15m or 2h",
            "c.yaml:6: defaults.job.env.A.key: is missing; add it",
        ]

    def test_what_only_a_target_can_have_is_refused(self, files: Files) -> None:
        lines = files.mistakes("version: 1\ndefaults: {branches: [a], job: {manifest: x}}")
        assert lines == [
            "c.yaml:2: defaults.branches: cannot be in `defaults`; write it in each target",
            "c.yaml:2: defaults.job.manifest: cannot be in `defaults`; write it in each target",
        ]


class TestSecrets:
    HOOK = "version: 1\nhooks:\n  h: {provider: github, repositories: ['**'], secrets: SECRETS}\n"

    @pytest.mark.parametrize(
        ("content", "secret"),
        [
            (b"a long one\n", b"a long one"),
            (b"a long one\r\n", b"a long one"),
            (b"a long one", b"a long one"),
            (b"a\nlong one \xff", b"a\nlong one \xff"),
        ],
    )
    def test_one_newline_at_the_end_of_a_file_is_dropped(
        self, files: Files, content: bytes, secret: bytes
    ) -> None:
        (files.directory / "s").write_bytes(content)
        hook = files.read(self.HOOK.replace("SECRETS", "[{file: s}]")).hooks["h"]
        assert hook.secrets[0].reveal() == secret

    @pytest.mark.parametrize(
        ("secrets", "mistake"),
        [
            ("[hunter2]", "secrets[0]: does not say where the secret is; write {env: NAME} or"),
            ("hunter2", "secrets: the value is not a list"),
            ("[{env: hunter2, file: x}]", "does not say where the secret is"),
            ("[{env: 'hunter2!'}]", "is not a variable name"),
            ("[{env: ABSENT}]", "the environment variable ABSENT is not set"),
            ("[{env: EMPTY}]", "the environment variable EMPTY is empty"),
            ("[{file: absent}]", "cannot be read (No such file or directory)"),
            ("[{file: empty}]", "is empty; put the secret there"),
            ("[{file: .}]", "is not a file"),
            ("[]", "secrets: is empty; list at least one"),
        ],
    )
    def test_a_mistake_never_shows_one(self, files: Files, secrets: str, mistake: str) -> None:
        files.environ = {"EMPTY": ""}
        (files.directory / "empty").write_text("\n")
        lines = files.mistakes(self.HOOK.replace("SECRETS", secrets))
        assert len(lines) == 1
        assert mistake in lines[0]
        assert "hunter2" not in lines[0]

    OF_PROVIDER = (
        "version: 1\nhooks:\n  h: {provider: NAME, repositories: ['**'], secrets: [{env: S}]}\n"
    )

    @pytest.mark.parametrize(
        ("provider", "secret", "mistake"),
        [
            (
                "azure-devops",
                "hunter2",
                "env S is not user:password, which azure-devops sends; ",
            ),
            ("azure-devops", "hunter2:", "write user:password there"),
            ("gitlab", "whsec_hunter2!", "what follows is not base64; copy the signing token as a"),
            ("gitlab", "whsec_", "env S begins with whsec_"),
            ("github", " \t ", "env S is blank; write a secret there"),
            ("generic", "x", "env S is shorter than 8 characters and can be guessed"),
            ("gitlab", "hunter2", "generate one with `openssl rand -hex 32` and set it"),
            ("azure-devops", "a-long-user:x", "env S is shorter than 8 characters"),
            (
                "github",
                " a secret hunter2",
                "begins or ends with white space, which Git hosts strip",
            ),
            ("github", "a secret hunter2\n", "begins or ends with white space"),
            ("github", "hunter2" * 200, "env S is longer than 1024 bytes, which no Git host sends"),
            ("generic", "whsec_hunter2 hunter2", "env S begins with whsec_"),
        ],
    )
    def test_one_that_proves_nothing_for_its_provider_is_a_mistake(
        self, files: Files, provider: str, secret: str, mistake: str
    ) -> None:
        files.environ = {"S": secret}
        (line,) = files.mistakes(self.OF_PROVIDER.replace("NAME", provider))
        assert line.startswith("c.yaml:3: hooks.h.secrets: ")
        assert mistake in line
        assert "hunter2" not in line

    @pytest.mark.parametrize(
        ("provider", "secret"),
        [
            ("azure-devops", "hook:hunter22"),
            ("azure-devops", ":hunter22"),
            ("gitlab", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("gitlab", "hunter22"),
            ("github", "whsec_!!"),
            ("bitbucket-server", "hook:hunter2"),
        ],
    )
    def test_one_that_fits_its_provider(self, files: Files, provider: str, secret: str) -> None:
        files.environ = {"S": secret}
        hook = files.read(self.OF_PROVIDER.replace("NAME", provider)).hooks["h"]
        assert (hook.provider, hook.replay_window) == (provider, 300)

    def test_nothing_that_is_printed_shows_one(self, files: Files) -> None:
        configuration = files.read(self.HOOK.replace("SECRETS", "[{env: SECRET}]"))
        shown = f"{configuration} {json.dumps(describe(configuration))} {Secret(b'hush-hush')}"
        assert "hush-hush" not in shown
        assert "env SECRET" in shown

    def test_a_pipe_does_not_hang_the_start(self, files: Files) -> None:
        os.mkfifo(files.directory / "pipe")
        lines = files.mistakes(self.HOOK.replace("SECRETS", "[{file: pipe}]"))
        assert "is not a file" in lines[0]


@pytest.mark.parametrize(
    ("repositories", "mistake"),
    [
        ("[]", "is empty; list at least one"),
        ("['https://github.com/acme/*']", "is not a pattern for host/path"),
        (
            "['https://ann:hunter2@github.com/acme/*']",
            '"https://…github.com/acme/*" is not a pattern',
        ),
        ("['!github.com/acme/*']", "has only exceptions"),
        ("[github.com/]", "nothing ends with a slash"),
    ],
)
def test_a_hook_says_for_whom_it_speaks(files: Files, repositories: str, mistake: str) -> None:
    hook = f"{{provider: generic, secrets: [{{env: SECRET}}], repositories: {repositories}}}"
    lines = files.mistakes(f"version: 1\nhooks: {{h: {hook}}}")
    assert any(mistake in line for line in lines), lines


class TestDirectory:
    def test_its_files_are_put_together(self, files: Files) -> None:
        files.write(f"version: 1\ntargets: {{a: {{{SHOP}}}}}\n", "d/a.yaml")
        files.write(f"version: 1\ntargets: {{b: {{{SHOP}}}}}\n", "d/b.yml")
        files.write("version: 1\ndefaults: {keep_failed: 9}\n", "d/z.yaml")
        files.write("nonsense: [", "d/.hidden.yaml")
        files.write("nonsense: [", "d/readme.txt")
        configuration = read_configuration(files.directory / "d", {})
        assert {n: t.keep_failed for n, t in configuration.targets.items()} == {"a": 9, "b": 9}

    def test_the_same_name_twice_names_both_places(self, files: Files) -> None:
        text = f"version: 1\ndefaults: {{}}\ntargets:\n  shop: {{{SHOP}}}\n"
        files.write(text, "d/a.yaml")
        files.write(text, "d/b.yaml")
        assert files.mistakes_in(files.directory / "d") == [
            "d/b.yaml:2: defaults: is in d/a.yaml:2 already; keep one of them",
            "d/b.yaml:4: targets.shop: is in d/a.yaml:4 already; keep one of them",
        ]

    def test_an_empty_one_is_a_mistake(self, files: Files) -> None:
        (files.directory / "d").mkdir()
        assert files.mistakes_in(files.directory / "d") == [
            "d: holds no *.yaml or *.yml file; put one there"
        ]

    def test_relative_paths_start_at_the_file(self, files: Files) -> None:
        files.write(JOB, "d/job.yaml")
        files.write(
            f"version: 1\ntargets: {{a: {{{SHOP.replace('image: x', 'manifest: job.yaml')}}}}}",
            "d/a.yaml",
        )
        assert read_configuration(files.directory / "d", {}).targets["a"].job


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"kind": "CronJob"}, "job.yaml:1: is not a Job"),
        ({"apiVersion": "v1"}, "job.yaml:1: is not a Job"),
        ({"spec": None}, "spec: is missing or not a mapping"),
        ({"status": {"active": 1}}, "status: is set by Kubernetes"),
        ({"metadata": {"namespace": "x"}}, "metadata.namespace: is the target's `namespace`"),
        (
            {"metadata": {"finalizers": ["x"]}},
            "metadata.finalizers: is not supported in a manifest",
        ),
        (
            {"metadata": {"labels": {"git-dispatcher/target": "x"}}},
            "is reserved for git-dispatcher",
        ),
        ({"metadata": {"labels": {"a": 1}}}, '1 is not text; put it in quotes: "1"'),
        ({"spec.suspend": True}, "spec.suspend: keeps the Job from starting"),
        ({"spec.manualSelector": True}, "spec.manualSelector: is not supported"),
        ({"spec.selector": {"matchLabels": {}}}, "spec.selector: is set by Kubernetes"),
        ({"spec.managedBy": "x/y"}, "hands the Job to another controller"),
        ({"spec.backoffLimit": 4}, "is the job's `retries` in the target"),
        ({"spec.activeDeadlineSeconds": 4}, "is the job's `timeout` in the target"),
        ({"spec.ttlSecondsAfterFinished": 0}, "`keep_failed_for`"),
        ({"spec.podReplacementPolicy": "TerminatingOrFailed"}, "two Pods never run at once"),
        ({"pod.restartPolicy": "OnFailure"}, "restartPolicy: must be Never"),
        ({"pod.containers": []}, "containers: is missing or not a list"),
        ({"pod.containers": [{"name": "a"}]}, "containers[0].image: is missing"),
        ({"pod.containers": ["a"]}, "containers[0]: is not a mapping"),
        ({"container.env": [{"name": "GIT_REF"}]}, "GIT_REF is set by git-dispatcher"),
        ({"container.env": [{"name": "A", "value": 5}]}, "env[0].value: is not text"),
        ({"container.env": {"A": "b"}}, "env: is not a list"),
        ({"container.env": [{}]}, "env[0]: has no name"),
        ({"container.volumeMounts": {}}, None),
        ({"container.volumeMounts": "x"}, "volumeMounts: is not a list"),
        ({"pod.initContainers": {"a": 1}}, "initContainers: is not a list"),
        ({"pod.volumes": "x"}, "volumes: is not a list"),
        ({"spec.completions": 3, "spec.parallelism": 2}, None),
        ({"spec.suspend": False, "pod.restartPolicy": "Never"}, None),
        ({"metadata": {"name": "x", "generateName": "y"}}, None),
        ({"metadata": {"annotations": {"git-dispatcher/interruptible": "false"}}}, None),
        ({"status": {}, "metadata": {"creationTimestamp": None}}, None),
    ],
)
def test_a_manifest_s_mistakes(
    files: Files, change: Mapping[str, Any], mistake: str | None
) -> None:
    job = yaml.safe_load(JOB)
    pod = job["spec"]["template"]["spec"]
    places = {"spec": job["spec"], "pod": pod, "container": pod["containers"][0]}
    for path, value in change.items():
        place, _, name = path.partition(".")
        (places[place] if name else job)[name or place] = value
    files.write(json.dumps(job), "job.yaml")
    text = f"version: 1\ntargets: {{a: {{{SHOP.replace('image: x', 'manifest: job.yaml')}}}}}"
    if mistake is None:
        assert files.read(text).targets
    else:
        lines = files.mistakes(text)
        assert [mistake in line for line in lines] == [True], lines
        assert lines[0].startswith("job.yaml:1: ")


def test_a_manifest_s_mistake_names_its_line(files: Files) -> None:
    files.write(JOB + "      restartPolicy: Always\n", "job.yaml")
    text = f"version: 1\ntargets: {{a: {{{SHOP.replace('image: x', 'manifest: job.yaml')}}}}}"
    assert files.mistakes(text) == [
        "job.yaml:7: spec.template.spec.restartPolicy: must be Never; remove it and use the "
        "job's `retries` in the target"
    ]


def test_loading_reports_the_environment_s_mistakes_and_the_files(files: Files) -> None:
    path = files.write("version: 2")
    with pytest.raises(ConfigError) as caught:
        load({"DISPATCHER_CONFIG": str(path), "PORT": "http"})
    assert str(caught.value).splitlines() == [
        "2 mistakes in the configuration:",
        'PORT: "http" is not a whole number in range; choose between 1 and 65535',
        f"{path}:1: version: 2 is not a supported version; write 1",
    ]


def test_loading_reads_both(files: Files) -> None:
    path = files.write(f"version: 1\ntargets: {{a: {{{SHOP}}}}}")
    settings = load({"DISPATCHER_CONFIG": str(path)})
    assert settings.environment.config == path
    assert list(settings.configuration.targets) == ["a"]


def test_a_description_is_json_with_durations_and_without_values(files: Files) -> None:
    configuration = files.read(f"""\
version: 1
hooks: {{h: {{provider: generic, secrets: [{{env: SECRET}}], repositories: ["**"], max_body: 1MiB}}}}
targets: {{a: {{{SHOP.replace("x}", "x, timeout: 90m, env: {A: private}, retries: 1}")}}}}}
""")
    described = describe(configuration)
    assert "private" not in json.dumps(described)
    assert described["hooks"]["h"] == {
        "provider": "generic",
        "secrets": ["env SECRET"],
        "repositories": ["**"],
        "max_body": "1MiB",
        "allow": [],
        "replay_window": "5m",
        "clock_skew": "5m",
        "insecure": False,
    }
    assert described["targets"]["a"]["keep_failed_for"] == "7d"
    assert described["targets"]["a"]["quiet_max"] == "10m"
    assert described["targets"]["a"]["interruptible"] is True
    assert described["targets"]["a"]["job"] == {
        "image": "x",
        "env": {"A": "a value"},
        "timeout": "1h30m",
        "retries": 1,
        "clone": True,
        "stop_grace": "30s",
    }
