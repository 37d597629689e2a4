"""docs/load.md says what the options and the shapes are."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

import configargparse

from loadtests import options
from loadtests.recording import COUNTED, MOST_LINES, RECORDED
from loadtests.schedule import SHAPES

PAGE = (Path(__file__).parents[3] / "docs" / "load.md").read_text(encoding="utf-8")


def first_cells(header: str) -> dict[str, str]:
    """Return the second cell of each line of the table with this header, by its first."""
    table = PAGE.partition(f"| {header} |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", table, re.MULTILINE)
    return {name: second.strip("`") for name, second in cells}


def defaults() -> Namespace:
    parser = configargparse.ArgumentParser()
    options.add_options(parser)
    return parser.parse_args([])


def test_every_option_is_described_with_its_default() -> None:
    shown = {False: "off", None: "a new one"}
    expected = {f"--{n.replace('_', '-')}": shown.get(v, str(v)) for n, v in vars(defaults()).items()}
    assert first_cells("option") == expected


def test_every_shape_is_described() -> None:
    assert list(first_cells("shape")) == list(SHAPES)


def test_rows_and_limits_are_the_codes() -> None:
    assert list(first_cells("row")) == [COUNTED, RECORDED]
    assert f"{MOST_LINES:,} lines" in PAGE
