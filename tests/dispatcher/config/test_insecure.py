"""Hooks without secrets: asked for in so many words, and only where nobody else can reach them."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from dispatcher.config import describe
from dispatcher.config.insecure import check_insecure_hooks
from dispatcher.config.reloading import Reloader
from dispatcher.domain.errors import ConfigError
from tests.dispatcher.config.test_targets import Files, files  # noqa: F401  # a fixture

HOOK = "version: 1\nhooks:\n  lab: {provider: generic, repositories: ['**']%s}\n"


def test_a_hook_without_a_secret_is_refused(files: Files) -> None:  # noqa: F811
    (mistake,) = files.mistakes(HOOK % "")

    assert mistake.startswith(
        "c.yaml:3: hooks.lab.secrets: is missing; list one, like [{env: NAME}]"
    )
    assert "insecure: true" in mistake
    assert files.mistakes(HOOK % ", insecure: false") == [mistake]


def test_unless_it_says_so(files: Files) -> None:  # noqa: F811
    configuration = files.read(HOOK % ", insecure: true")

    assert configuration.hooks["lab"].secrets == ()
    assert describe(configuration)["hooks"]["lab"]["insecure"] is True


def test_not_both(files: Files) -> None:  # noqa: F811
    (mistake,) = files.mistakes(HOOK % ", insecure: true, secrets: [{env: SECRET}]")

    assert mistake.startswith(
        "c.yaml:3: hooks.lab.insecure: true accepts unauthenticated deliveries"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_on_loopback_it_is_warned_of(files: Files, host: str) -> None:  # noqa: F811
    configuration = files.read(HOOK % ", insecure: true")

    with capture_logs() as logs:
        check_insecure_hooks(host, allowed=False)(configuration)

    assert [(each["log_level"], each["hook"]) for each in logs] == [("warning", "lab")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "deploy.example.com"])
def test_elsewhere_it_has_to_be_allowed(files: Files, host: str) -> None:  # noqa: F811
    configuration = files.read(HOOK % ", insecure: true")

    with pytest.raises(ConfigError) as refused:
        check_insecure_hooks(host, allowed=False)(configuration)

    (mistake,) = refused.value.mistakes
    assert mistake.startswith("hooks.lab.insecure: true lets anyone who can reach")
    assert host in mistake
    assert "--allow-insecure" in mistake
    check_insecure_hooks(host, allowed=True)(configuration)


def test_a_change_that_opens_a_hook_is_refused_too(files: Files) -> None:  # noqa: F811
    path = files.write(HOOK % ", secrets: [{env: SECRET}]")
    reloader = Reloader(path, files.environ, check_insecure_hooks("0.0.0.0", allowed=False))

    files.write(HOOK % ", insecure: true")
    with capture_logs() as logs:
        assert not reloader.changed()
        assert not reloader.changed()

    assert not reloader.current.hooks["lab"].insecure
    assert [each["event"] for each in logs] == ["configuration refused; the last good one stays"]
