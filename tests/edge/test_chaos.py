"""`python -m harness chaos` as people run it, against the reference server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.checkers.pressure import TOO_BUSY
from harness.history import read_histories

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120
SEEDS_DEADLINE_S = 300
"""Two seeds, each a second time where the machine was too busy."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
]


def chaos(*words, hash_seed="0", deadline_s=DEADLINE_S):
    return subprocess.run(
        [sys.executable, "-m", "harness", "chaos", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        encoding="utf-8",
        timeout=deadline_s,
        check=False,
    )


def test_a_dry_run_prints_the_same_schedule_in_every_process_and_runs_nothing(tmp_path):
    one, two = (
        chaos("--seed", "7", "--minutes", "3", "--dry-run", "--reports", str(tmp_path), hash_seed=hash_seed)
        for hash_seed in ("1", "2")
    )
    assert one.returncode == 0, one.stdout + one.stderr
    assert "python -m harness chaos --seed 7 --minutes 3\n" in one.stdout
    assert one.stdout == two.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "rediss"], "'rediss' is neither a store nor a fault. Did you mean redis"),
        (["--minutes", "0.1"], "Chaos needs at least 0.23 minutes"),
    ],
)
def test_wrong_usage_is_one_sentence_and_ends_with_2(words, said):
    done = chaos("--dry-run", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.timeout(DEADLINE_S + 30)
def test_the_faults_that_were_printed_are_played_and_judged(tmp_path):
    seed, faults = 1, ["redis failed over", "signal hang-up"]
    only = [word for fault in faults for word in ("--only", fault)]
    done = chaos("--seed", str(seed), "--minutes", "0.3", *only, "--reports", str(tmp_path))
    printed = done.stdout.partition("RANDOM-01")[0].partition("Seconds")[2]
    assert all(fault in printed for fault in faults), done.stdout + done.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (row,) = results["rows"]
    assert (done.returncode, results["seed"], row["id"]) == (results["exit_code"], seed, "RANDOM-01")
    assert results["verdict"] == "pass" or TOO_BUSY in row["reason"], done.stdout + done.stderr
    assert {"no-loss", "cursor", "available", "recovers", "bounded"} <= results["promises"].keys()
    (history,) = read_histories(tmp_path / "history.jsonl")
    assert [fault.name for fault in history.faults] == faults
    assert all(fault.healed_ns is not None for fault in history.faults)
    assert any(send.sender == send.recipient for send in history.sends), "nobody wrote to himself"


@pytest.mark.timeout(SEEDS_DEADLINE_S + 30)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_seeds_are_played_one_after_the_other_or_side_by_side_and_summed_up(tmp_path, jobs):
    words = ("--seed", "3,5", "--minutes", "0.24", "--only", "mongodb refused", "--reports", str(tmp_path))
    done = chaos(*words, "--jobs", jobs, deadline_s=SEEDS_DEADLINE_S)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    summed_up = json.loads((tmp_path / "seeds.json").read_text(encoding="utf-8"))
    ended = {one["seed"]: one for one in summed_up["seeds"]}
    assert list(ended) == [3, 5]
    assert all(one["verdict"] == "pass" or TOO_BUSY in one["reason"] for one in ended.values()), ended
    assert summed_up["faults"]["mongodb refused"]["injected"] == 2
    assert summed_up["faults"]["mongodb refused"]["sends"]["before the insert"] > 0
    assert (summed_up["lost"], summed_up["doubled"], summed_up["reordered"]) == (0, 0, 0)


@pytest.mark.timeout(SEEDS_DEADLINE_S + 30)
@pytest.mark.parametrize(
    ("cluster", "fault"), [("sentinel", "redis primary killed"), ("replica-set", "mongodb divided")]
)
def test_a_cluster_is_broken_in_the_place_of_the_single_store(tmp_path, cluster, fault):
    words = ("--cluster", cluster, "--seed", "1", "--minutes", "0.24", "--only", fault)
    done = chaos(*words, "--reports", str(tmp_path), deadline_s=SEEDS_DEADLINE_S)
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (row,) = results["rows"]
    assert results["verdict"] == "pass" or TOO_BUSY in row["reason"], done.stdout + done.stderr
    (history,) = read_histories(tmp_path / "history.jsonl")
    assert fault in [one.name for one in history.faults]
    assert json.loads((tmp_path / "schedule.json").read_text(encoding="utf-8"))["clusters"] == [cluster]
