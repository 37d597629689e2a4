"""Many seeds of chaos: resumed, summed up, each repeatable alone; what plays a schedule is a stand-in."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.chaos.catalog import CATALOG
from harness.chaos.schedule import FaultSchedule
from harness.chaos.schedule_file import SCHEDULE, read_schedule
from harness.chaos.seeds_file import SEEDS
from harness.chaos.summary import SUMMARY
from harness.cli import chaos_seeds as command
from harness.cli.command_line import main
from harness.reports.record import RowResult, RunRecord, write_results
from harness.runner.folder import HISTORY
from harness.targets.profile import load_profile
from harness.verdict import EXIT_CODES, Finding, Judgement, Verdict
from tests.unit.harness.checkers.histories import Story

LOST = Finding("no-loss", "not_stored", "Message 'a' is lost.")


class Player:
    """Writes results in the place of a run; `verdicts` are those of the seeds that do not pass at once."""

    def __init__(self, **verdicts: list[Verdict | BaseException]) -> None:
        self.verdicts = {int(seed.removeprefix("of_")): ends for seed, ends in verdicts.items()}
        self.played: list[int] = []

    def __call__(
        self, options: Namespace, schedule: FaultSchedule, *plugins: object, shown_on: Any
    ) -> tuple[int, list[str]]:
        self.played.append(options.seed)
        ends = self.verdicts.get(options.seed)
        verdict = ends.pop(0) if ends else Verdict.PASS
        if isinstance(verdict, BaseException):
            raise verdict
        found = (LOST,) if verdict is Verdict.FAIL else ()
        judged = (Judgement("no-loss", verdict, "", found),)
        row = RowResult("RANDOM-01", "Faults", "random", verdict, 1.0, str(verdict), judged)
        run = RunRecord(verdict, EXIT_CODES[verdict], options.seed, "", 1.0, (row,), {}, "reference")
        write_results(run, options.reports / "results.json")
        story = Story()
        for fault in schedule.faults:
            times = {"inject": fault.at_s, "active": fault.at_s, "heal": fault.ends_at_s}
            story.fault(fault.kind.full_name, healed=fault.ends_at_s, **times)
        lines = (json.dumps(event) for event in story.send("a", 1.0).events)
        (options.reports / HISTORY).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return EXIT_CODES[verdict], ["RANDOM-01"] if verdict is Verdict.INCONCLUSIVE else []


class NoStack:
    """The place of services: how often they were renewed."""

    renewed = 0

    def __init__(self, *given: object) -> None:
        NoStack.renewed = 0

    def __enter__(self) -> NoStack:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def for_a_run(self) -> object:
        return object()

    def renew(self) -> None:
        NoStack.renewed += 1


Chaos = Callable[..., int]


@pytest.fixture
def chaos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chaos:
    """Run the command with this player."""

    def drawable(options: Namespace) -> tuple[Any, Any]:
        options.target = options.target or "reference"
        options.minutes = options.minutes or 2.0
        return load_profile("reference"), CATALOG

    monkeypatch.setattr(command, "drawable", drawable)
    monkeypatch.setattr(command, "OneStack", NoStack)

    def run(player: Player, *words: str) -> int:
        monkeypatch.setattr(command, "play_schedule", player)
        return main(["chaos", "--minutes", "1", "--reports", str(tmp_path), *words])

    return run


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    return found


def test_seeds_are_played_one_after_the_other_and_summed_up(
    chaos: Chaos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    player = Player()
    assert chaos(player, "--seeds", "3") == 0
    assert player.played == [1, 2, 3]
    known = summary(tmp_path)
    assert [one["seed"] for one in known["seeds"]] == [1, 2, 3]
    assert known["seeds"][1]["command"] == "python -m harness chaos --seed 2 --minutes 1"
    assert (known["verdict"], known["sends"], known["lost"]) == ("pass", 3, 0)
    met = {tuple(pair["faults"]) for pair in known["pairs_that_met"]}
    never = set(map(tuple, known["pairs_that_never_met"]))
    assert met
    assert not met & never
    assert not (tmp_path / "seeds" / "1").exists(), "what passed leaves its figures alone"
    said = capsys.readouterr().out
    assert f"Faults that met: {len(met)} of the {len(met | never)} pairs that may overlap." in said


def test_a_seed_that_fails_is_kept_with_how_to_repeat_it(
    chaos: Chaos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos(Player(of_6=[Verdict.FAIL]), "--seed", "5-7", "--only", "redis", "--workers", "3") == 1
    said = capsys.readouterr().out
    assert "alone: python -m harness chaos --seed 6 --minutes 1 --only redis --workers 3\n" in said
    assert f"small: python -m harness shrink {tmp_path / 'seeds' / '6'}\n" in said
    assert "no-loss: not_stored" in said
    assert read_schedule(tmp_path / "seeds" / "6" / SCHEDULE).seed == 6
    assert (summary(tmp_path)["lost"], summary(tmp_path)["verdicts"]) == (1, {"pass": 2, "fail": 1})


def test_what_the_machine_was_too_busy_for_is_played_once_more_on_new_services(
    chaos: Chaos, capsys: pytest.CaptureFixture[str]
) -> None:
    player = Player(of_1=[Verdict.INCONCLUSIVE])
    assert chaos(player, "--seeds", "2") == 0
    said = capsys.readouterr().out
    assert "\n\nThe machine was too busy to judge 1 of them; once more, one at a time:\n\n" in said
    assert player.played == [1, 2, 1]
    assert NoStack.renewed == 1
    assert chaos(Player(of_1=[Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]), "--seeds", "2") == 3


def test_an_interrupted_run_shows_what_it_has_and_goes_on_with_what_is_left(
    chaos: Chaos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Player(of_1=[Verdict.FAIL], of_3=[KeyboardInterrupt()])
    assert chaos(first, "--seeds", "4") == 130
    assert [one["seed"] for one in summary(tmp_path)["seeds"]] == [1, 2]
    said = capsys.readouterr().out
    assert f"python -m harness chaos --seeds 4 --minutes 1 --resume --reports {tmp_path}\n" in said
    with (tmp_path / SEEDS).open("a", encoding="utf-8") as file:
        file.write('{"seed": 3, "verd')  # cut off
    second = Player()
    assert chaos(second, "--seeds", "4", "--resume") == 1
    assert second.played == [3, 4]
    assert [one["seed"] for one in summary(tmp_path)["seeds"]] == [1, 2, 3, 4]
    assert (tmp_path / "seeds" / "1" / SCHEDULE).exists()


def test_without_resume_a_run_begins_anew(chaos: Chaos, tmp_path: Path) -> None:
    assert chaos(Player(of_1=[Verdict.FAIL]), "--seeds", "2") == 1
    again = Player()
    assert chaos(again, "--seeds", "2") == 0
    assert again.played == [1, 2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "2"], "was made with another --minutes, 1, not 2"),
        (["--only", "redis"], "was made with another --only, none, not 'redis'"),
        (["--workers", "3"], "was made with another --workers, none, not 3"),
        (["--cluster", "sentinel"], "was made with another --cluster, none, not 'sentinel'"),
    ],
)
def test_seeds_of_other_options_are_not_mixed(
    chaos: Chaos, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos(Player(), "--seeds", "2") == 0
    assert chaos(Player(), "--seeds", "2", "--resume", *words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seeds", "2", "--resume"], "--resume cannot read"),
        (["--seed", "2", "--resume"], "--resume goes on with many seeds"),
        (["--seeds", "2", "--schedule", "schedule.json"], "give it one --seed"),
    ],
)
def test_wrong_usage_is_one_sentence(
    chaos: Chaos, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos(Player(), *words) == 2
    assert said in capsys.readouterr().err


def test_a_dry_run_prints_the_faults_of_each_seed_and_plays_none(
    chaos: Chaos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    player = Player()
    assert chaos(player, "--seed", "7,9", "--dry-run") == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["seed 7", "seed 9"]
    assert not player.played
    assert list(tmp_path.iterdir()) == []
