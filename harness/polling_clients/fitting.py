"""Which rows of the client plan suit a client, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError
from harness.plan import PlanRow
from harness.plan.fitting import divided
from harness.polling_clients.profile import ClientProfile

_KINDS = {"page": "the client is not a page", "start": "the client's profile has no `page.start`"}


def fitting(
    rows: Sequence[PlanRow], profile: ClientProfile
) -> tuple[list[PlanRow], dict[str, list[PlanRow]]]:
    """Return the rows to run, and the rows to leave out by the reason.

    Raise UsageError where the plan names a key that profiles do not have.
    """
    return divided(rows, lambda row: _unfit(row, profile))


def _unfit(row: PlanRow, profile: ClientProfile) -> str:
    """Return why a row does not suit a client, to follow its id and a colon; '' if it does."""
    for key in row.only_where:
        if key not in profile.offers:
            raise UsageError(
                f"The row {row.id} is only for clients with '{key}', which is not a key of a profile."
            )
        if not profile.offers[key]:
            return _KINDS.get(key) or f"the client's profile says {key} = false"
    return ""
