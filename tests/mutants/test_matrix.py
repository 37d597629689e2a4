"""The matrix runs each mutant with each seed, keeps the results, and reports mutants that survived."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.reports.record import RowResult
from harness.runner.folder import held, new_run
from harness.verdict import Judgement, Verdict
from tests.mutants import __main__ as command_line
from tests.mutants.catalog import MUTANTS
from tests.mutants.lane import Request
from tests.mutants.matrix import Trial, try_mutant
from tests.mutants.registry import Mutant
from tests.mutants.trials import FILE, add_trial, latest, matrix, read_trials, write_trials

MUTANT = MUTANTS["since-inclusive"]
TOLD = MUTANTS["replay-not-told"]


class FakeLane:
    """A lane with prepared results; like a real one, each run leaves a file in its folder."""

    def __init__(self, *results: RowResult | None) -> None:
        self._results = list(results)
        self.asked: list[Request] = []
        self.renewed = 0

    def run(self, request: Request) -> RowResult | None:
        self.asked.append(request)
        (Path(request.reports) / "history.jsonl").touch()
        return self._results.pop(0)

    def renew(self) -> None:
        self.renewed += 1


def row(verdict: Verdict, *broken: str, reason: str = "") -> RowResult:
    judgements = tuple(Judgement(promise, Verdict.FAIL) for promise in broken)
    return RowResult("FLOW-02", "", "", verdict, 1.0, reason, judgements)


def trial_of(mutant: Mutant, lane: FakeLane, folder: Path) -> Trial:
    return try_mutant(mutant, lane, seed=7, reports=folder / "here", keep_all=False)


def test_the_promise_of_a_mutant_must_be_found_broken(tmp_path: Path) -> None:
    others = trial_of(MUTANT, FakeLane(row(Verdict.FAIL, "order", "cursor")), tmp_path)
    its_own = trial_of(MUTANT, FakeLane(row(Verdict.FAIL, "order", "no-duplicate")), tmp_path)
    assert (others.is_caught, others.what) == (False, "caught by order, cursor alone")
    assert (its_own.is_caught, its_own.what, its_own.seed) == (True, "caught", 7)


def test_what_the_row_itself_expects_is_told_by_words_of_its_reason(tmp_path: Path) -> None:
    def what(verdict: Verdict, reason: str) -> str:
        return trial_of(TOLD, FakeLane(*[row(verdict, reason=reason)] * 2), tmp_path).what

    assert what(Verdict.FAIL, "more than one was acked without `replayed`") == "caught"
    assert what(Verdict.FAIL, "something else") == "fail"
    assert (
        what(Verdict.INCONCLUSIVE, "more than one was acked without `replayed`; but the machine")
        == "inconclusive"
    )


def test_a_survivor_is_not_run_again(tmp_path: Path) -> None:
    lane = FakeLane(row(Verdict.PASS))
    assert trial_of(MUTANT, lane, tmp_path).what == "survived"
    assert [request.row for request in lane.asked] == ["FLOW-02"]


@pytest.mark.parametrize("doubtful", [None, row(Verdict.INCONCLUSIVE, reason="the machine was busy")])
def test_what_proved_nothing_is_run_once_more_on_new_services(
    tmp_path: Path, doubtful: RowResult | None
) -> None:
    lane = FakeLane(doubtful, row(Verdict.FAIL, "no-duplicate"))
    trial = trial_of(MUTANT, lane, tmp_path)
    assert (trial.what, lane.renewed, len(lane.asked)) == ("caught", 1, 2)
    assert trial.doubt == ("the machine was busy" if doubtful else "the run has no results")


def test_a_promise_that_was_left_undecided_is_tried_again_though_another_one_was_broken(
    tmp_path: Path,
) -> None:
    other = row(Verdict.FAIL, "order")
    open_one = Judgement("no-duplicate", Verdict.INCONCLUSIVE, "the machine was busy")
    undecided = replace(other, judgements=(*other.judgements, open_one))
    lane = FakeLane(undecided, row(Verdict.FAIL, "no-duplicate"))
    trial = trial_of(MUTANT, lane, tmp_path)
    assert (trial.what, trial.doubt, trial.proved_nothing) == ("caught", "the machine was busy", False)
    twice = trial_of(MUTANT, FakeLane(undecided, undecided), tmp_path)
    assert (twice.what, twice.proved_nothing) == ("caught by order alone", True)


@pytest.mark.parametrize(("jobs", "exit_code"), [(2, 0), (1, 1)])
def test_what_proved_nothing_beside_others_is_tried_at_last_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, exit_code: int
) -> None:
    busy = row(Verdict.INCONCLUSIVE, reason="the machine was busy")
    lane = FakeLane(busy, busy, row(Verdict.FAIL, "no-duplicate"))
    lanes = SimpleNamespace(one=lambda: nullcontext(lane), end=lambda: None)
    monkeypatch.setattr(command_line, "Lanes", lambda jobs, reports: nullcontext(lanes))
    monkeypatch.setattr(command_line.signal, "signal", lambda number, handler: None)
    arguments = [MUTANT.name, "--no-unbroken", "--jobs", str(jobs), "--reports", str(tmp_path)]
    assert command_line.main(arguments) == exit_code
    tried = read_trials(tmp_path / "trials.jsonl")
    assert [trial.what for trial in tried] == ["inconclusive", "caught"][:jobs]
    assert [trial.what for trial in latest(tried)] == ["caught" if jobs > 1 else "inconclusive"]


def test_an_unknown_mutant_and_a_folder_of_another_run_are_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line.signal, "signal", lambda number, handler: None)
    arguments = ["no-such", "--reports", str(tmp_path)]
    assert command_line.main(arguments) == 2
    assert capsys.readouterr().err.startswith("mutants: There is no mutant no-such; there are ")
    add_trial(tmp_path / FILE, Trial(MUTANT.name, MUTANT.promise, 1, Verdict.PASS, 1.0))
    with held(tmp_path, new_run()):
        assert command_line.main([MUTANT.name, "--reports", str(tmp_path)]) == 2
    assert f"mutants: The folder {tmp_path} is in use by another run, process " in capsys.readouterr().err
    assert read_trials(tmp_path / FILE), "the other run's trials were taken away"


def test_what_was_not_caught_is_kept(tmp_path: Path) -> None:
    trial_of(MUTANT, FakeLane(row(Verdict.FAIL, "no-duplicate")), tmp_path)
    assert list(tmp_path.iterdir()) == []
    trial_of(MUTANT, FakeLane(None, None), tmp_path)
    assert (tmp_path / "here" / "history.jsonl").exists()
    assert '"tests.mutants.server", "since-inclusive"' in (tmp_path / "here" / "target.toml").read_text(
        encoding="utf-8"
    )


def test_trials_are_read_again_as_they_were_written(tmp_path: Path) -> None:
    first = Trial("no-ttl", "bounded", 1, Verdict.FAIL, 3.5, ("bounded", "order"), "a reason", "a doubt")
    second = Trial("no-ttl", "bounded", 2, Verdict.PASS, 3.5)
    file = tmp_path / "reports" / "trials.jsonl"
    write_trials(file, [first])
    add_trial(file, second)
    assert read_trials(file) == [first, second]
    assert read_trials(tmp_path / "nothing") == []


def test_a_trial_whose_line_was_cut_off_has_not_ended(tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    write_trials(file, [trial := Trial("no-ttl", "bounded", 1, Verdict.FAIL, 3.5)])
    with file.open("a", encoding="utf-8") as trials:
        trials.write('{"mutant": "no-')
    assert read_trials(file) == [trial]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (file := tmp_path / "trials.jsonl").write_text('{"kind": "send"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="is not the trials of a run"):
        read_trials(file)


def test_the_table_tells_how_often_and_with_which_seeds_a_mutant_was_missed() -> None:
    trials = [
        Trial("since-inclusive", "no-duplicate", 12, Verdict.INCONCLUSIVE, 1.0),
        Trial("since-inclusive", "no-duplicate", 3, Verdict.PASS, 2.0),
        Trial("since-inclusive", "no-duplicate", 1, Verdict.FAIL, 3.0, ("no-duplicate", "order")),
    ]
    console = Console(width=150, record=True)
    console.print(matrix(MUTANTS.values(), trials))
    [_, line] = console.export_text().splitlines()
    told = line.split(maxsplit=5)
    assert told[:5] == ["since-inclusive", "FLOW-02", "no-duplicate", "1/3", "2"]
    assert told[5].rstrip() == "3 survived, 12 inconclusive  order"


def test_mutants_of_the_client_are_not_begun_without_chromium(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line.signal, "signal", lambda number, handler: None)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "not-there"))
    assert command_line.main(["never-begins", "--no-unbroken", "--reports", str(tmp_path / "reports")]) == 2
    assert "not-there" in capsys.readouterr().err


def test_mutants_of_the_client_can_be_left_out_openly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line.signal, "signal", lambda number, handler: None)
    monkeypatch.setenv("WITHOUT_CHROMIUM", "1")
    assert command_line.main(["never-begins", "--no-unbroken", "--reports", str(tmp_path / "reports")]) == 2
    assert "leaves out every mutant that was asked for" in capsys.readouterr().err
    kept = command_line._that_can_run([MUTANTS["never-begins"], MUTANTS["no-ttl"]])
    assert [mutant.name for mutant in kept] == ["no-ttl"]
