"""The targets hold for their seeds: what `make fuzz` begins with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.target import Surroundings
from tests.fuzz.targets import TARGETS
from tests.fuzz.wire import parse, render


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str, tmp_path: Path, redis_url: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())

    assert seeds
    with target.opened(Surroundings(tmp_path, redis_url)) as attempt:
        for seed in (*seeds, b"", b"\n\n", b"\xff"):
            attempt(seed)


def test_a_request_is_read_as_it_was_written() -> None:
    headers = [(b"x-a", b"1"), (b"x-a", b"2")]
    request = parse(render("PUT /a?b=%20", headers, b"x\n\ny"))

    assert (request.method, request.target) == ("PUT", b"/a?b=%20")
    assert (list(request.headers), request.body) == (headers, b"x\n\ny")


def test_json_is_changed_by_its_values() -> None:
    data = render("POST /x", [], b'{"a": [1, {"b": "c"}]}')
    made = {mutated(data, 10_000, seed, lambda data, _: data) for seed in range(200)}

    assert len(made) > 50
    for each in made:
        json.loads(each.rpartition(b"\n\n")[2])
