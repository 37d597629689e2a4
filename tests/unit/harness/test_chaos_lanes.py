"""Seeds side by side: a lane's results are told as they come, and a lane that ends early is told too."""

from __future__ import annotations

import sys
import textwrap
from argparse import Namespace
from pathlib import Path

import pytest

from harness.chaos.seeds_file import Asked, SeedResult
from harness.cli import chaos_lanes
from harness.errors import InfrastructureError

LANE = textwrap.dedent(
    """
    import json, pathlib, sys
    named, folder = sys.argv[1].removeprefix("--seed="), pathlib.Path(sys.argv[-1])
    assert sys.argv[2:-1] == ["--minutes", "1", "--reports"], sys.argv
    seeds = [int(seed) for seed in named.split(",")]
    with (folder / "seeds.jsonl").open("w") as file:
        file.write(json.dumps({"minutes": 1.0, "target": "reference"}) + "\\n")
        for seed in seeds:
            if seed == 13:
                sys.exit("the lane has had enough")
            verdict = "fail" if seed % 3 == 0 else "pass"
            if verdict == "fail":
                (folder / "seeds" / str(seed)).mkdir(parents=True)
            file.write(json.dumps({"seed": seed, "verdict": verdict, "seconds": 1.0}) + "\\n")
            file.flush()
    """
)
ASKED = Asked(1.0, "reference")


@pytest.fixture(autouse=True)
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "lane.py"
    program.write_text(LANE, encoding="utf-8")
    monkeypatch.setattr(chaos_lanes, "_PLAY", (sys.executable, str(program)))
    monkeypatch.setattr(chaos_lanes, "LOOKS_EVERY_S", 0.02)


def played(folder: Path, seeds: range, jobs: int) -> list[SeedResult]:
    options = Namespace(jobs=jobs, reports=folder)
    words = ["--minutes", "1"]
    return list(chaos_lanes.played_side_by_side(seeds, words, ASKED, options, kept="seeds"))


@pytest.mark.parametrize("jobs", [2, 3, 20])
def test_every_seed_has_one_result_however_many_lanes_there_are(tmp_path: Path, jobs: int) -> None:
    results = played(tmp_path, range(1, 8), jobs)
    assert sorted(result.seed for result in results) == list(range(1, 8))
    assert sorted(path.name for path in (tmp_path / "seeds").iterdir()) == ["3", "6"], "what failed is kept"


def test_what_is_kept_replaces_what_an_earlier_run_has_kept(tmp_path: Path) -> None:
    (tmp_path / "seeds" / "3" / "old").mkdir(parents=True)
    played(tmp_path, range(3, 5), 2)
    assert list((tmp_path / "seeds" / "3").iterdir()) == []


def test_a_lane_that_ends_before_its_last_seed_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"A lane ended before seed 13: see .*lanes/1.log"):
        played(tmp_path, range(11, 17, 2), 1)
    assert "has had enough" in (tmp_path / "lanes" / "1.log").read_text(encoding="utf-8")
