"""The tab of Locust's page shows what is counted, in an order that the page keeps."""

from __future__ import annotations

from harness.history import Bounds
from loadtests.figures import Figures
from loadtests.page import extended
from loadtests.verdicts import Circumstances, Totals


def test_deliveries_late_and_lost_ones_are_rows_of_the_tab() -> None:
    figures = Figures()
    figures.counts.update({"acked": 40, "missing": 2, "late": 1})
    (table,) = extended(Totals(figures, Bounds(), Circumstances()), "the test is running")
    shown = {row["what"]: row["value"] for row in table["data"]}
    assert shown["verdict"] == "the test is running"
    assert shown["lost"] == "2"
    assert shown["late"].startswith("1 ")
    order = [row["name"] for row in table["data"]]
    assert order == sorted(order)
