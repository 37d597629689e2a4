"""Which rows of the plan suit a target, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from harness.checkers import is_made
from harness.errors import UsageError
from harness.plan import PlanRow
from harness.targets.profile import Profile


def fitting(
    rows: Sequence[PlanRow],
    profile: Profile,
    *,
    is_reference: bool,
    without_chromium: bool = False,
    why_no_disks: str = "",
    promises: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[list[PlanRow], dict[str, list[PlanRow]]]:
    """Return the rows to run, and the rows to leave out by the reason.

    `promises` are those that a row may judge, by its id; `why_no_disks` says why this machine has no disks
    that can be broken. Raise UsageError where the plan names a key that
    profiles do not have.
    """

    def unfit(row: PlanRow) -> str:
        reason = _unfit(row, profile, is_reference=is_reference)
        if not reason and row.needs_chromium and without_chromium:
            return "they need Chromium, and WITHOUT_CHROMIUM leaves them out"
        if not reason and row.needs_disks and why_no_disks:
            return why_no_disks
        if not reason and _judges_nothing(promises.get(row.id, ()), profile):
            return "the target's profile makes no promise that is judged there"
        return reason

    return divided(rows, unfit)


def divided(
    rows: Sequence[PlanRow], unfit: Callable[[PlanRow], str]
) -> tuple[list[PlanRow], dict[str, list[PlanRow]]]:
    """Return the rows to run, and the others by the reason that `unfit` returns for them; '' is no reason."""
    fit: list[PlanRow] = []
    left_out: dict[str, list[PlanRow]] = {}
    for row in rows:
        if reason := unfit(row):
            left_out.setdefault(reason, []).append(row)
        else:
            fit.append(row)
    return fit, left_out


def _judges_nothing(promises: Collection[str], profile: Profile) -> bool:
    """Return whether a row judges promises, and the target makes none of them."""
    judged = [promise for promise in promises if promise != "bounded" or profile.knows_queues]
    return bool(promises) and not any(is_made(promise, profile.semantics) for promise in judged)


def _unfit(row: PlanRow, profile: Profile, *, is_reference: bool) -> str:
    """Return why a row does not suit a target, to follow its id and a colon; '' if it does."""
    if row.tests and not is_reference:
        return "about the inside of the reference server alone"
    if not all(Path(test.partition("::")[0]).is_file() for test in row.tests):
        return "run by the project's own tests, which are not here: start in a checkout"
    lacks = profile.lacks
    for key in row.only_where:
        if key not in lacks:
            raise UsageError(
                f"The plan's row {row.id} is only for targets with '{key}', which is not a key of a profile."
            )
        if lacks[key]:
            return lacks[key]
    return ""
