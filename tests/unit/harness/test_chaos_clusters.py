"""Chaos on clusters: which faults there are, which clusters fit a target, and how a schedule names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace as replace_record

from harness.chaos.catalog import CATALOG
from harness.chaos.clusters import CLUSTERS, kinds_of, require_clusters
from harness.chaos.schedule import draw
from harness.chaos.schedule_file import Case, case_of, write_schedule
from harness.cli.command_line import main
from harness.errors import UsageError
from harness.history import named_effects
from harness.targets.profile import load_profile

PROFILE = load_profile("reference")
WITHOUT = replace_record(PROFILE, has=replace_record(PROFILE.has, redis_cluster=False))
BOTH = ("replica-set", "sentinel")


def test_the_faults_of_a_cluster_are_in_the_place_of_those_of_the_single_store() -> None:
    kinds = kinds_of(PROFILE, BOTH)
    of_stores = {kind.full_name for kind in kinds if kind.store in ("redis", "mongodb")}
    assert of_stores == {kind.full_name for name in BOTH for kind in CLUSTERS[name].kinds}
    assert {kind for kind in CATALOG if kind.store in ("server", "clock")} <= set(kinds)
    assert {kind for kind in CATALOG if kind.store == "mongodb"} <= set(kinds_of(PROFILE, ["redis-cluster"]))


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_fault_of_a_cluster_has_a_name_and_effects_of_its_own(name: str) -> None:
    kinds = CLUSTERS[name].kinds
    assert len({kind.full_name for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert named_effects(kind.full_name), kind.full_name


def test_seeds_draw_every_fault_of_the_clusters_and_a_file_has_them_again(tmp_path: Path) -> None:
    kinds, drawn = kinds_of(PROFILE, BOTH), set()
    for seed in range(8):
        schedule = replace(draw(seed, kinds, total_s=120, quiet_s=6.0), clusters=BOTH)
        drawn |= {fault.kind for fault in schedule.faults}
        write_schedule(Case(schedule, seed, "reference"), tmp_path / "schedule.json")
        assert case_of(tmp_path / "schedule.json", kinds).schedule == schedule
        assert schedule.with_outages(schedule.outages[:1]).clusters == BOTH, "what is smaller has them too"
    assert {kind for name in BOTH for kind in CLUSTERS[name].kinds} <= drawn


def test_what_is_drawn_for_a_fault_can_be_written_to_a_file() -> None:
    for cluster in CLUSTERS.values():
        for kind in cluster.kinds:
            assert all(isinstance(value, bool | int) for value in kind.draw(Random(1)).values())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["sentinels"], "'sentinels' is not a cluster. Did you mean sentinel?"),
        (["zookeeper"], "Known are replica-set, sentinel, redis-cluster."),
        (["sentinel", "redis-cluster"], "'sentinel' and 'redis-cluster' are both in the place of redis."),
        (["sentinel", "sentinel"], "'sentinel' and 'sentinel' are both in the place of redis."),
    ],
)
def test_clusters_that_cannot_be_are_one_sentence(names: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_clusters(names, PROFILE)
    assert said in str(caught.value)


def test_a_target_that_knows_no_cluster_cannot_have_one() -> None:
    with pytest.raises(UsageError, match="'redis-cluster' is not possible: the target's profile says redis_"):
        require_clusters(["redis-cluster"], WITHOUT)
    require_clusters(["replica-set"], WITHOUT)


def test_a_schedule_has_its_own_clusters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = kinds_of(PROFILE, BOTH)
    schedule = replace(draw(1, kinds, total_s=60, quiet_s=6.0), clusters=BOTH)
    write_schedule(Case(schedule, 1, "reference"), file := tmp_path / "schedule.json")
    assert main(["chaos", "--schedule", str(file), "--dry-run"]) == 0
    assert main(["chaos", "--schedule", str(file), "--cluster", "sentinel"]) == 2
    assert "leave out --minutes, --only and --cluster" in capsys.readouterr().err


def test_the_command_that_does_the_same_again_has_the_clusters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chaos", "--seed", "1", "--cluster", "sentinel", "--dry-run"]) == 0
    assert "harness chaos --seed 1 --minutes 2 --cluster sentinel\n" in capsys.readouterr().out


def test_a_fault_of_a_cluster_that_was_not_asked_for_names_the_cluster(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["chaos", "--only", "MongoDB divided", "--seed", "1", "--dry-run"]
    assert main(words) == 2
    said = "'MongoDB divided' is a fault of a cluster: it needs --cluster replica-set."
    assert said in " ".join(capsys.readouterr().err.split())
    assert main([*words, "--cluster", "sentinel"]) == 2
    assert main([*words, "--cluster", "replica-set"]) == 0
