"""Which rows of the plan make sense for a target, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.plan import PlanRow
from harness.targets.profile import Profile


def fitting(
    rows: Sequence[PlanRow], profile: Profile, *, is_reference: bool
) -> tuple[list[PlanRow], dict[str, list[PlanRow]]]:
    """The rows to run, and those to leave out by the reason why.

    Raises UsageError where the plan asks for something that no profile can say.
    """
    fit: list[PlanRow] = []
    left_out: dict[str, list[PlanRow]] = {}
    for row in rows:
        if reason := _unfit(row, profile, is_reference=is_reference):
            left_out.setdefault(reason, []).append(row)
        else:
            fit.append(row)
    return fit, left_out


def _unfit(row: PlanRow, profile: Profile, *, is_reference: bool) -> str:
    """Why a row is not for a target, in words that may follow its id and a colon; else ''."""
    if row.tests and not is_reference:
        return "about the inside of the reference server alone"
    if not all(Path(test.partition("::")[0]).is_file() for test in row.tests):
        return "run by the project's own tests, which are not here: start in a checkout"
    for key in row.only_where:
        if key not in profile.offers:
            raise UsageError(
                f"The plan's row {row.id} is only for targets with '{key}', which is no key of a profile."
            )
        if not profile.offers[key]:
            return f"the target's profile says {key} = false"
    return ""
