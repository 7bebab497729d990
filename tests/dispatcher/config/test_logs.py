"""The section `logs`: a template of an address, and what is filled in."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dispatcher.config import LogSettings
from dispatcher.domain.deploy import Deploy, State

URL = "https://logs.example.com/{namespace}/{pod}?job={job}&n={target}/{number}&c={commit}&from={from}&to={to}"
DEPLOY = Deploy(
    target="shop",
    number=42,
    state=State.RUNNING,
    stream="refs/heads/main",
    ref="refs/heads/main",
    commit="abc",
    namespace="deploys",
    job="shop-42",
    starting_at=1_000_000,
)


def test_each_value_is_filled_in_and_escaped() -> None:
    found = LogSettings(url=URL).url_of(DEPLOY, "shop-42-a/b")

    assert found == (
        "https://logs.example.com/deploys/shop-42-a%2Fb?job=shop-42&n=shop/42&c=abc&from=940000&to=now"
    )


def test_without_a_job_or_a_template_there_is_no_address() -> None:
    assert LogSettings().url_of(DEPLOY) == ""
    waiting = Deploy(target="shop", number=1, state=State.PENDING, stream="", ref="", commit="")
    assert LogSettings(url=URL).url_of(waiting) == ""


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("https://logs.example.com/{node}", "has no {node}"),
        ("logs.example.com/{pod}", "write it like https://"),
        ("javascript:alert({pod})", "write it like https://"),
        ("https://logs.example.com/a b", "write it like https://"),
        ("https://{pod", "write it like https://"),
    ],
)
def test_another_template_is_a_mistake(url: str, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        LogSettings(url=url)
