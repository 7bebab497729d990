"""Whatever is filtered, late, lost or timed by a wrong clock: the last deploy is of the newest push."""

from __future__ import annotations

import redis
from hypothesis import given

from tests.model.order.scenario import OF_BRANCHES, OF_TAGS, Scenario, ScenarioRun
from tests.model.run_model import model_settings

SCENARIOS = 180
"""Many: one is over within milliseconds."""


@model_settings(SCENARIOS)
@given(scenario=OF_BRANCHES)
def test_where_a_branch_ends_does_not_depend_on_what_arrives_when(
    client: redis.Redis, scenario: Scenario
) -> None:
    run_scenario(client, scenario)


@model_settings(SCENARIOS)
@given(scenario=OF_TAGS)
def test_each_tag_counts_or_the_newest_whatever_arrives_when(
    client: redis.Redis, scenario: Scenario
) -> None:
    run_scenario(client, scenario)


def run_scenario(client: redis.Redis, scenario: Scenario) -> None:
    run = ScenarioRun(client, scenario)
    try:
        run.run()
    finally:
        run.close()
