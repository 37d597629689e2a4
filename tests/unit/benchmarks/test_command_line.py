from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import results
from benchmarks.command_line import main
from harness.verdict import Verdict
from tests.unit.benchmarks.made import result, run


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    output = capsys.readouterr()
    return code, output.out, output.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "speed"], "harness: Unknown figure 'speed'; legal are idle_poll_cpu_ratio, "),
        (
            ["--only", "capacity_ratio"],
            "capacity_ratio is measured by another command: python3 -m nox -s capacity.",
        ),
        (
            ["--compare", "nowhere.json"],
            "The results nowhere.json cannot be read: No such file or directory.",
        ),
        (["--compare", "a", "b", "c"], "--compare takes one file, or two to compare with each other, not 3."),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["--fast"], ["--command", ""], ["--command", "'"]])
def test_options_that_cannot_be_read_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def test_an_earlier_run_without_the_chosen_figure_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.write(run(result("other")), tmp_path / "old.json")
    code, _, err = said(capsys, "--only", "rest_cpu_percent", "--compare", str(tmp_path / "old.json"))
    assert code == 2
    assert "no figure in common: the earlier one has other." in err


@pytest.mark.parametrize(("after", "code", "word"), [(1.5, 0, "same"), (2.5, 1, "worse"), (0.5, 0, "better")])
def test_two_files_are_compared_without_measuring(
    after: float, code: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(tmp_path / name) for name in ("old.json", "new.json")]
    for path, value in zip(paths, (1.5, after), strict=True):
        results.write(run(result(values=[value])), Path(path))
    found, out, _ = said(capsys, "--compare", *paths)
    assert found == code
    assert word in out


def test_the_worst_verdict_is_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = run(result("idle_poll_cpu_ratio", [2.0], verdict=Verdict.FAIL, reason="the median is 2"))
    monkeypatch.setattr("benchmarks.command_line.run", lambda figures, **how: measured)
    code, out, _ = said(capsys, "--reports", str(tmp_path))
    assert code == 1
    assert "idle_poll_cpu_ratio: the median is 2." in out
    assert results.read(tmp_path / "bench.json") == measured


def test_a_bug_is_no_verdict_on_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.command_line.run", lambda figures, **how: figures[1_000])
    code, _, err = said(capsys)
    assert code == 3
    assert "failed because of a bug in it" in err
    assert "IndexError" in err


def test_a_run_that_measured_nothing_is_inconclusive_also_when_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results.write(run(result("idle_poll_cpu_ratio")), tmp_path / "old.json")
    nothing = run(not_measured={"idle_poll_cpu_ratio": "A server ended."}, verdict=Verdict.INCONCLUSIVE)
    monkeypatch.setattr("benchmarks.command_line.run", lambda figures, **how: nothing)
    code, out, _ = said(capsys, "--compare", str(tmp_path / "old.json"), "--reports", str(tmp_path))
    assert code == 3
    assert "idle_poll_cpu_ratio could not be measured: A server ended." in out
    assert "Not compared: idle_poll_cpu_ratio." in out


def test_an_interrupted_run_writes_and_shows_what_it_measured_and_ends_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {"send_cpu_ratio": "The run was interrupted."}
    measured = run(
        result("idle_poll_cpu_ratio"), not_measured=left, verdict=Verdict.INCONCLUSIVE, interrupted=True
    )
    monkeypatch.setattr("benchmarks.command_line.run", lambda figures, **how: measured)
    code, out, err = said(capsys, "--reports", str(tmp_path))
    assert code == 130
    assert "idle_poll_cpu_ratio" in out
    assert "interrupted; everything it started has been ended" in err
    assert results.read(tmp_path / "bench.json") == measured


def test_an_interrupted_run_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(figures: Any, **how: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.command_line.run", interrupted)
    code, _, err = said(capsys)
    assert code == 130
    assert "interrupted; everything it started has been ended" in err
