"""A schedule is written and read again; what cannot be played is one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.chaos.catalog import CATALOG
from harness.chaos.schedule import ChaosTraffic, draw
from harness.chaos.schedule_file import Case, as_text, case_of, read_schedule, write_schedule
from harness.errors import UsageError


def drawn(seed: int) -> Case:
    schedule = draw(seed, CATALOG, total_s=120.0, quiet_s=6.0)
    return Case(schedule, seed, "reference", workers=None)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_what_was_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.mktemp("file") / "schedule.json"
    write_schedule(drawn(seed), path)
    assert case_of(path, CATALOG) == drawn(seed)


def test_what_is_left_out_is_as_usual(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    document = json.loads(as_text(drawn(1)))
    del document["traffic"], document["workers"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert case_of(path, CATALOG).schedule.traffic == ChaosTraffic()


FIRST = ("outages", 0, 0)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("format",), 2, "invalid enum value 2"),
        (("total_s",), 5, "it ends after 5 s, before its last fault"),
        (("total_s",), "long", "expected `float`, got `str`"),
        (("workers",), 0, "expected `int` >= 1"),
        (("traffic", "pairs"), 101, "expected `int` <= 100"),
        ((*FIRST, "fault"), "redis kiled", "'redis kiled' is not a fault; known are redis refused, "),
        ((*FIRST, "at_s"), -1, "expected `float` >= 0.0"),
        ((*FIRST, "at_s"), 1e9, "expected `float` <= 86400.0"),
        ((*FIRST, "lasts_s"), 0, "expected `float` > 0.0"),
        ((*FIRST, "parameters"), {"latency": 1}, "has other parameters than such a fault"),
        ((*FIRST, "colour"), "red", "object contains unknown field `colour`"),
        (("outages", 0), [], "an outage has no faults"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path, place: tuple[Any, ...], value: Any, said: str
) -> None:
    path = tmp_path / "schedule.json"
    document = json.loads(as_text(drawn(1)))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError) as told:
        case_of(path, CATALOG)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "[" * 100_000, "\udcff", '{"format": NaN}'])
def test_what_is_not_a_schedule_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "schedule.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=r"^The schedule .*schedule\.json cannot be read: "):
        read_schedule(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        read_schedule(tmp_path / "none.json")


def fault(name: str, at_s: float, lasts_s: float = 4.0, **parameters: Any) -> dict[str, Any]:
    return {"fault": name, "at_s": at_s, "lasts_s": lasts_s, "parameters": parameters}


@pytest.mark.parametrize(
    ("outages", "said"),
    [
        ([[fault("redis refused", 4), fault("redis killed", 5)]], "may not overlap"),
        ([[fault("redis refused", 4), fault("mongodb refused", 3)]], "begins before an earlier fault"),
        ([[fault("redis refused", 4)], [fault("redis killed", 6)]], "begins before an earlier fault"),
        ([[fault("clock stopped", 4)]], "'clock stopped' needs with_clocks"),
    ],
)
def test_an_order_that_cannot_be_played_is_one_sentence(
    tmp_path: Path, outages: list[Any], said: str
) -> None:
    path = tmp_path / "schedule.json"
    document = json.loads(as_text(drawn(1))) | {"outages": outages, "with_clocks": False}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        case_of(path, CATALOG)
