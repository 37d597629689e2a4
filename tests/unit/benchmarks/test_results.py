from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import results
from harness.errors import CannotWrite, UsageError
from tests.unit.benchmarks.made import result, run


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], Any]], Path]:
    """Return a function that writes results, changed by another, and returns the file."""

    def write(spoil: Callable[[dict[str, Any]], Any]) -> Path:
        path = tmp_path / "bench.json"
        results.write(run(result("idle_poll_cpu_ratio"), result("b", beside={})), path)
        content = json.loads(path.read_text(encoding="utf-8"))
        spoil(content)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    measured = run(result("a", [1.0, 2.0]), result("ü µ"))
    results.write(measured, path)
    assert results.read(path) == measured


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CannotWrite, match="--reports FOLDER puts it elsewhere"):
        results.write(run(result()), tmp_path / "file" / "bench.json")


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "older": (lambda it: it.update(format=0), "its format is 0, not 1"),
    "newer": (lambda it: it.update(format=2), "its format is 2, not 1"),
    "no format": (lambda it: it.pop("format"), "it is not a bench.json"),
    "a results.json": (lambda it: (it.clear(), it.update(rows=[], verdict="pass")), "it is not a bench.json"),
    "no value": (lambda it: it["figures"][1].pop("value"), r"missing required field `value`.*figures\[1\]"),
    "a word for a number": (lambda it: it["figures"][0].update(bound="1"), r"figures\[0\].bound"),
    "an unknown verdict": (lambda it: it["figures"][0].update(verdict="good"), r"figures\[0\].verdict"),
    "an unknown field": (lambda it: it["figures"][0].update(extra=1), "unknown field `extra`"),
    "not a list": (lambda it: it.update(figures=None), "figures"),
    "a name twice": (
        lambda it: it["figures"][1].update(name="idle_poll_cpu_ratio"),
        "it has two figures of one name",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_results_of_another_kind_are_refused_in_one_sentence(name: str, written: Any) -> None:
    spoil, said = SPOILT[name]
    with pytest.raises(UsageError, match=f"has no results that can be compared: .*{said}") as caught:
        results.read(written(spoil))
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "7", "{", "\xff", '{"format": NaN}', '{"format": 1, "figures": NaN}', "{}"],
    ids=["empty", "list", "null", "number", "cut off", "not UTF-8", "NaN", "NaN figures", "empty object"],
)
def test_a_file_of_something_else_is_refused_in_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="has no results that can be compared: ") as caught:
        results.read(path)
    assert "\n" not in caught.value.sentence


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.json", tmp_path):
        with pytest.raises(UsageError, match=f"{path} cannot be read: "):
            results.read(path)


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.write(run(result(subject=float("nan"))), tmp_path / "bench.json")
