"""A comparison as a page of HTML that stands alone: what moved, and both runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from harness.reports.comparison import Change, Comparison
from harness.reports.comparison_pages import about, closing, said_below, shown
from harness.reports.delivery_curve import Curve, delivery_curves
from harness.reports.templates import PAGES


def comparison_html(comparison: Comparison) -> str:
    """Return the whole page."""
    return PAGES.get_template("comparison.html.j2").render(
        it=comparison,
        closing=closing(comparison),
        about=about,
        moved=shown(comparison),
        promises=_of("promise", comparison),
        rows=_of("row", comparison),
        curves=_curves(comparison),
        notes=said_below(comparison),
    )


def _of(kind: str, comparison: Comparison) -> list[Change]:
    return [change for change in comparison.changes if change.kind == kind]


def _curves(comparison: Comparison) -> Sequence[Curve]:
    """Return the delivery curves of both runs over the rows that both timed; [] if there are none."""
    before, after = comparison.before, comparison.after
    if before is None or after is None:
        return []
    old, new = ({row.id: row.latencies_s for row in run.rows if row.latencies_s} for run in (before, after))
    both = [id_ for id_ in new if id_ in old]
    sides = ([side[id_] for id_ in both] for side in (old, new))
    return delivery_curves(*sides, bound_s=after.delivered_within_s)
