"""What commands look like in terminals and pipes."""

from __future__ import annotations

import json

import msgspec
import pytest
import redis
import yaml
from rich.console import Console
from rich.text import Text

from dispatcher.cli import main
from dispatcher.commands.output import json_text, yaml_text
from dispatcher.commands.tables.layout import BOUNDLESS, Grid
from dispatcher.domain.deploy import State
from tests.dispatcher.commands.terminal import shown
from tests.dispatcher.http.helpers import end, take
from tests.dispatcher.http.web import Web
from tests.dispatcher.webhooks.support import NEW, sent

Captured = pytest.CaptureFixture[str]
LONG = "shop-1 has waited for 12m for a node: 0/3 nodes are available, all of them have a taint"


@pytest.fixture
def troubled(web: Web, client: redis.Redis) -> Web:
    """`shop` has failed; `lab`, behind it, is held up, with a text that is wider than a terminal."""
    end(web, client, State.FAILED, why="the script exited with 3")
    web.deliver(sent("gitlab/push_hook__branch"))
    client.hset(web.keys.row("lab"), "trouble", LONG)
    return web


def test_in_a_narrow_terminal_nothing_that_matters_is_cut(troubled: Web) -> None:
    header, *lines = shown("targets").lines

    assert {"TARGET", "NOW", "LAST", "COMMIT", "AGE"} <= set(header.split())
    assert lines[0].split()[0] == "lab"
    assert " ".join(f"{lines[1]} {lines[2]}".split()) == LONG
    assert lines[3].startswith("shop ")
    assert {"shop/1", "failed", NEW[:8]} <= set(lines[3].split())
    assert lines[4] == "  the script exited with 3"
    assert all(len(line) <= 80 for line in lines)


def test_in_a_wide_terminal_all_columns_are_there(troubled: Web) -> None:
    header, _, trouble, *_ = shown("targets", columns=200).lines

    assert header.split() == ["TARGET", "FOLLOWS", "NOW", "LAST", "COMMIT", "AGE"]
    assert trouble == f"  {LONG}"


def test_a_terminal_has_colours_and_a_pipe_has_none(troubled: Web, capsys: Captured) -> None:
    assert "\x1b[1;31mfailed" in shown("targets").written

    assert main(["targets"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_escape_sequences_gets_none(troubled: Web, environ: dict[str, str]) -> None:
    terminal = shown("targets", environ=environ)

    assert "failed" in terminal.text
    assert "\x1b" not in terminal.written


def test_in_a_pipe_each_target_is_one_line(troubled: Web, capsys: Captured) -> None:
    assert main(["targets"]) == 0

    header, lab, shop, *rest = capsys.readouterr().out.splitlines()
    assert header.split()[-1] == "TROUBLE"
    assert lab.endswith(f"  {LONG}")
    assert shop.endswith("  the script exited with 3")
    assert len(rest) == len(troubled.api("targets").json()["targets"]) - 2


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--failed"], ["shop"]),
        (["--trouble"], ["lab"]),
        (["--failed", "--trouble"], ["shop", "lab"]),
        (["--namespace", "releases"], ["shop-releases"]),
        (["--namespace", "releases", "--failed"], []),
    ],
)
def test_only_some_targets(
    troubled: Web, options: list[str], names: list[str], capsys: Captured
) -> None:
    assert main(["targets", *options, "-o", "json"]) == 0

    found = json.loads(capsys.readouterr().out)["targets"]
    assert [each["name"] for each in found] == names


def test_where_no_target_is_like_that_it_says_so(web: Web, capsys: Captured) -> None:
    assert main(["targets", "--failed"]) == 0

    assert capsys.readouterr().out == "No target is like that.\n"


def test_a_paused_target_is_held_up_too(web: Web, capsys: Captured) -> None:
    main(["pause", "shop-docs", "--by", "ann"])
    capsys.readouterr()

    assert main(["targets", "--trouble"]) == 0

    _, row = capsys.readouterr().out.splitlines()
    assert row.split()[0] == "shop-docs"
    assert row.endswith("paused by ann")


def test_wide_has_everything_in_lines_as_long_as_needed(troubled: Web) -> None:
    header, lab, *_ = shown("targets", "-o", "wide", columns=300).lines

    assert header.split()[-6:] == ["NAMESPACE", "REPOSITORY", "REF", "BY", "TITLE", "TROUBLE"]
    assert "https://gitlab.com/acme/shop" in lab
    assert lab.endswith(LONG)
    header, row, *_ = shown("deploys", "shop", "-o", "wide", columns=300).lines
    assert "WHY" in header
    assert NEW in row
    header, row, *_ = shown("deliveries", "-o", "wide", columns=400).lines
    assert "DELIVERY" in header


@pytest.mark.parametrize(
    "command", [["targets"], ["deploys", "shop"], ["show", "shop/1"], ["deliveries"], ["hooks"]]
)
def test_yaml_says_what_json_says(troubled: Web, command: list[str], capsys: Captured) -> None:
    assert main([*command, "-o", "json"]) == 0
    as_json = capsys.readouterr().out
    assert main([*command, "-o", "yaml"]) == 0

    assert yaml.safe_load(capsys.readouterr().out) == json.loads(as_json)


def test_deploys_fit_a_narrow_terminal_too(web: Web, client: redis.Redis) -> None:
    take(web, client, State.STARTING, State.RUNNING)

    header, row, *_ = shown("deploys", "shop", columns=60).lines

    assert {"DEPLOY", "STATE", "COMMIT", "AGE"} <= set(header.split())
    assert NEW[:8] in row
    assert len(row) <= 60


HOSTILE = "\x1b]0;title\x07\x9b2J\x85 \u202eabc 😀 é"


def test_data_holds_no_control_sequence_for_a_terminal() -> None:
    text = json_text({"title": HOSTILE})
    assert json.loads(text) == {"title": HOSTILE}
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "é" in text

    text = yaml_text({"title": HOSTILE})
    assert yaml.safe_load(text) == {"title": HOSTILE}
    assert not {"\x1b", "\x07", "\x9b"} & set(text)


# The table itself


def lines(grid: Grid, width: int) -> list[str]:
    console = Console(width=width, color_system=None, soft_wrap=True)
    with console.capture() as captured:
        console.print(grid)
    return captured.get().splitlines()


def grid(**more: object) -> Grid:
    made = Grid("NAME", "WHAT", "AGE", **more)  # type: ignore[arg-type]
    made.add_row("a", "b" * 30, "5m")
    return made


def test_a_table_that_fits_is_not_touched() -> None:
    header = "NAME  WHAT                            AGE"
    assert lines(grid(cut=("WHAT",), spare=("AGE",)), 41) == [header, f"a     {'b' * 30}  5m"]


def test_first_columns_are_left_out_and_then_cells_are_cut() -> None:
    cells = {"cut": ("WHAT",), "spare": ("AGE",)}
    assert lines(grid(**cells), 30)[1] == f"a     {'b' * 18}…  5m"
    assert lines(grid(**cells), 20) == ["NAME  WHAT", f"a     {'b' * 13}…"]


def test_what_cannot_be_cut_goes_beyond_the_width() -> None:
    assert lines(grid(), 10)[1] == f"a     {'b' * 30}  5m"


def test_wide_characters_count_as_two_columns() -> None:
    made = Grid("NAME", "AGE")
    made.add_row("店店店", "5m")
    made.add_row("abcdef", "6m")

    assert lines(made, 40)[1:] == ["店店店  5m", "abcdef  6m"]


def test_the_last_cell_is_wrapped_below_itself() -> None:
    made = Grid("NAME", "WHY", fold=True)
    made.add_row("shop", Text("no node takes its Pod"))

    assert lines(made, 18) == ["NAME  WHY", "shop  no node", "      takes its", "      Pod"]


def test_a_note_is_below_its_row_or_the_last_column() -> None:
    made = Grid("NAME", note="WHY")
    made.add_row("shop", note="no node takes its Pod")
    made.add_row("lab")

    assert lines(made, 20) == ["NAME", "shop", "  no node takes its", "  Pod", "lab"]
    assert lines(made, BOUNDLESS) == ["NAME  WHY", "shop  no node takes its Pod", "lab"]


def test_structs_of_the_api_are_data() -> None:
    class Body(msgspec.Struct):
        name: str

    assert (json_text(Body("a")), yaml_text(Body("a"))) == ('{\n  "name": "a"\n}', "name: a")
