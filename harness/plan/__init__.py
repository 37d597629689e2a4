"""The Markdown test plan and what runs it, in both directions."""

from harness.plan.choosing import hint, nearest, select
from harness.plan.rows import PLAN_FILE, PlanError, PlanRow, parse_plan, read_plan

__all__ = ["PLAN_FILE", "PlanError", "PlanRow", "hint", "nearest", "parse_plan", "read_plan", "select"]
