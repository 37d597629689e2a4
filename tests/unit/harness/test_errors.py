"""The sentence of an error: one line that can be printed, whatever it quotes."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from harness import errors
from harness.errors import CannotWrite, DeadlineMissed, HarnessError, UsageError
from harness.plan import PlanError, read_plan
from harness.targets.profile import load_profile

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HarnessError)]
ODD = "a\nb\r\x1b[31m\u2028\udcff"
SHOWN = r"a\nb\r\x1b[31m\u2028\udcff"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not CannotWrite])
def test_a_sentence_stays_on_one_line_and_last_lines_follow_it(kind: type[HarnessError]) -> None:
    error = kind(f"The file {ODD} is odd.", last_lines="one\n\x1b]0;two\n")
    assert error.sentence == f"The file {SHOWN} is odd."
    assert error.last_lines == "one\n\\x1b]0;two"
    assert str(error) == f"{error.sentence}\n{error.last_lines}"
    assert str(kind(ODD)) == SHOWN


def test_an_error_that_is_also_one_of_pythons_keeps_its_sentence() -> None:
    assert isinstance(DeadlineMissed("late"), TimeoutError)
    assert str(DeadlineMissed("late")) == "late"
    assert str(CannotWrite(ODD, "it is full", remedy="move it")) == (
        f"{SHOWN} cannot be written: it is full; move it."
    )


def test_a_path_with_a_line_break_is_quoted_by_whatever_reads_it(tmp_path: Path) -> None:
    odd = tmp_path / "a\nb\x1b[31m.toml"
    odd.write_text("name = 1", encoding="utf-8")
    for path in (odd, tmp_path / "missing\n.toml"):
        with pytest.raises(UsageError) as caught:
            load_profile(str(path))
        assert str(caught.value).isprintable()
    with pytest.raises(PlanError) as refused:
        read_plan(odd)
    assert str(refused.value).isprintable()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_profile(str(tmp_path))
    with pytest.raises(PlanError, match="cannot be read: Is a directory"):
        read_plan(tmp_path)
    with pytest.raises(PlanError) as missing:
        read_plan(tmp_path / "missing\n.md")
    assert str(missing.value).isprintable()
