"""What `Connection` uses of uvicorn and h11 is there, and is what docs/decisions/0008 says.

It fails when uvicorn changes one of these names. Read its h11_impl.py before the bound in pyproject.toml is
raised.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import h11
import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http import h11_impl
from uvicorn.server import ServerState

from dispatcher.http.connection import protocol, strict_parser

ROOT = Path(__file__).parents[4]
DECISION = (ROOT / "docs" / "decisions" / "0008-uvicorn-protocol.md").read_text()

METHODS = {
    "__init__": ["config", "server_state", "app_state", "_loop"],
    "connection_made": ["transport"],
    "connection_lost": ["exc"],
    "data_received": ["data"],
    "handle_events": [],
    "on_response_complete": [],
    "pause_writing": [],
    "resume_writing": [],
    "send_400_response": ["msg"],
    "shutdown": [],
}
"""Of `H11Protocol`, with their parameters."""
ATTRIBUTES = {
    "app_state",
    "client",
    "config",
    "conn",
    "cycle",
    "timeout_keep_alive",
    "transport",
}
CYCLE = {"response_complete", "disconnected", "message_event"}
CONN = {"next_event", "send", "our_state", "their_state", "trailing_data"}
"""Of h11, which documents them: https://h11.readthedocs.io/en/latest/api.html"""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Is not called."""


@pytest.fixture
def uvicorns() -> h11_impl.H11Protocol:
    loop = asyncio.new_event_loop()
    loop.close()
    return h11_impl.H11Protocol(Config(application, log_config=None), ServerState(), {}, loop)


@pytest.mark.parametrize(("name", "parameters"), METHODS.items())
def test_a_method_is_there_and_takes_what_it_took(name: str, parameters: list[str]) -> None:
    method = inspect.signature(vars(h11_impl.H11Protocol)[name])

    assert [*method.parameters][1:] == parameters


def test_the_attributes_are_there(uvicorns: h11_impl.H11Protocol) -> None:
    assert vars(uvicorns).keys() >= ATTRIBUTES
    assert hasattr(uvicorns.config, "h11_max_incomplete_event_size")
    assert isinstance(uvicorns.conn, h11.Connection)
    assert isinstance(uvicorns.timeout_keep_alive, int)


def test_those_of_the_request_in_progress_are_there() -> None:
    cycle = ast.parse(inspect.getsource(h11_impl.RequestResponseCycle))

    assert _attributes(cycle, "self") >= CYCLE
    assert {name for name in CONN if hasattr(h11.Connection(h11.SERVER), name)} == CONN


def test_uvicorn_calls_what_is_extended() -> None:
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(inspect.getsource(h11_impl.H11Protocol)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    handed_over = "on_response=self.on_response_complete" in inspect.getsource(h11_impl)

    assert called >= {"handle_events", "send_400_response", "next_event"}
    assert handed_over


def test_nothing_else_is_used() -> None:
    tree = ast.parse(inspect.getsource(protocol.Connection))
    own = {name for name in vars(protocol.Connection) if name not in METHODS}
    own |= {"_limits", "_receiving", "_sending", "_is_idle"}
    parser = ast.parse(inspect.getsource(strict_parser.StrictParser))

    assert _attributes(tree, "self") - own == ATTRIBUTES
    assert {name for name in METHODS if name in vars(protocol.Connection)} == METHODS.keys()
    assert _attributes(tree, "cycle") == CYCLE
    assert _attributes(tree, "conn") | {"next_event", "send"} == CONN
    assert _attributes(parser, "self") - {"_looked", "_chunked", "_check_head"} <= CONN


def test_the_decision_lists_them() -> None:
    listed = set(re.findall(r"`(\w+)`", DECISION))

    assert (METHODS.keys() - {"__init__"}) | ATTRIBUTES | CYCLE | CONN <= listed


@pytest.mark.parametrize("package", ["uvicorn", "h11"])
def test_the_minor_version_is_pinned(package: str) -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (pin,) = (each for each in required if each.startswith(package))
    major, minor, *_ = version(package).split(".")

    assert pin == f"{package}>={major}.{minor},<{major}.{int(minor) + 1}"


def _attributes(tree: ast.AST, owner: str) -> set[str]:
    """The attributes of what is called `owner`, or is an attribute of that name."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and owner in (getattr(node.value, "id", ""), getattr(node.value, "attr", ""))
    }
