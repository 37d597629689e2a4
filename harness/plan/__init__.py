"""The Markdown test plan, the tests that run its rows, and whether the two agree."""

from harness.plan.choosing import hint, nearest, select
from harness.plan.rows import PLAN_FILE, PlanError, PlanRow, find_plan, parse_plan, read_plan

__all__ = [
    "PLAN_FILE",
    "PlanError",
    "PlanRow",
    "find_plan",
    "hint",
    "nearest",
    "parse_plan",
    "read_plan",
    "select",
]
