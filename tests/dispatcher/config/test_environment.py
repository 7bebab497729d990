"""What environment variables mean to a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.config import read_environment
from dispatcher.domain.errors import ConfigError

TOKENS = "0123456789abcdef, fedcba9876543210\nabcdefghijklmnop"


def test_nothing_needs_to_be_set() -> None:
    environment = read_environment({})
    assert environment.redis_url.reveal() == b"redis://127.0.0.1:6379/0"
    assert (environment.host, environment.port) == ("0.0.0.0", 8000)
    assert (environment.instance, environment.queue, environment.lease) == ("default", "deploys", 6)
    assert environment.config == Path("git-dispatcher.yaml")
    assert environment.api_tokens == ()


def test_an_empty_variable_is_not_set() -> None:
    assert read_environment({"PORT": "", "REDIS_URL": "", "REDIS_URL_FILE": ""}).port == 8000


def test_tokens_are_separated_by_commas_and_newlines() -> None:
    tokens = read_environment({"DISPATCHER_API_TOKENS": TOKENS}).api_tokens
    assert [token.reveal() for token in tokens] == [
        b"0123456789abcdef",
        b"fedcba9876543210",
        b"abcdefghijklmnop",
    ]


def test_a_secret_can_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("rediss://:pw@redis:6380/1\n")
    environment = read_environment({"REDIS_URL_FILE": str(tmp_path / "url")})
    assert environment.redis_url.reveal() == b"rediss://:pw@redis:6380/1"
    assert "pw" not in repr(environment)


@pytest.mark.parametrize(
    ("name", "value", "mistake"),
    [
        ("PORT", "http", '"http" is not a whole number in range; choose between 1 and 65535'),
        ("PORT", "0", '"0" is not a whole number'),
        ("PORT", "tcp://10.0.0.1:80", "choose between"),
        ("HOST", "a b", '"a b" is not an address'),
        ("DISPATCHER_LEASE", "61", '"61" is not a whole number in range; choose between 1 and 60'),
        (
            "DISPATCHER_LEASE",
            "5",
            "longest API call (5 s), so the lease could expire",
        ),
        ("DISPATCHER_LEASE", "5", "choose between 6 and 60"),
        ("DISPATCHER_INSTANCE", "Prod", '"Prod" is not an instance name'),
        ("DISPATCHER_INSTANCE", "a" * 31, "use up to 30"),
        ("DISPATCHER_INSTANCE", "a-", "inner dashes"),
        ("DISPATCHER_QUEUE", "a b", '"a b" is not a queue name'),
        (
            "DISPATCHER_PAUSE_REMINDER",
            "daily",
            '"daily" is not a duration up to 366d; write it like',
        ),
        ("DISPATCHER_PAUSE_REMINDER", "367d", "up to 366d"),
        ("DISPATCHER_LOG_FORMAT", "xml", '"xml" is not one of console, json; choose one'),
        ("DISPATCHER_LOG_LEVEL", "loud", '"loud" is not one of debug, info'),
        ("REDIS_URL", "http://:hunter2@redis", "is not a Redis URL; write it like redis://"),
        ("REDIS_URL", "redis://:hunter2@[", "is not a Redis URL"),
        ("REDIS_URL", "redis://:hunter2@redis:x", "is not a Redis URL"),
        ("REDIS_URL", "hunter2", "is not a Redis URL"),
        ("REDIS_URL_FILE", "/nowhere/at/all", "cannot be read (No such file or directory)"),
        ("DISPATCHER_API_TOKENS", "hunter2", "token 1 of 1 is shorter than 16 characters"),
        ("DISPATCHER_API_TOKENS", "hunter2" * 5 + "é", "is not ASCII"),
    ],
)
def test_a_mistake_names_the_variable_and_the_remedy(name: str, value: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({name: value})
    (line,) = caught.value.mistakes
    assert line.startswith(name.removesuffix("_FILE") + ": ")
    assert mistake in line
    assert "hunter2" not in line


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({"PORT": "x", "DISPATCHER_LEASE": "x", "DISPATCHER_QUEUE": " "})
    assert len(caught.value.mistakes) == 3


def test_a_secret_given_twice_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="and REDIS_URL_FILE"):
        read_environment({"REDIS_URL": "redis://a", "REDIS_URL_FILE": str(tmp_path)})
