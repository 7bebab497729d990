"""Whatever is filtered, late, lost or said by a wrong clock: what is deployed is what was pushed last."""

from __future__ import annotations

import redis
from hypothesis import given

from tests.model.order.course import OF_BRANCHES, OF_TAGS, Course, Run
from tests.model.searching import searching

COURSES = 300
"""Many: one is over within milliseconds."""


@searching(COURSES)
@given(course=OF_BRANCHES)
def test_where_a_branch_ends_does_not_depend_on_what_arrives_when(
    client: redis.Redis, course: Course
) -> None:
    carry_out(client, course)


@searching(COURSES)
@given(course=OF_TAGS)
def test_each_tag_counts_or_the_newest_whatever_arrives_when(
    client: redis.Redis, course: Course
) -> None:
    carry_out(client, course)


def carry_out(client: redis.Redis, course: Course) -> None:
    run = Run(client, course)
    try:
        run()
    finally:
        run.close()
