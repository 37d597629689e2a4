"""A lane runs row after row on one set of services, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from harness.verdict import Verdict
from tests.mutants.lane import Request
from tests.mutants.lanes import Lane

pytestmark = pytest.mark.e2e


def request(folder: Path) -> Request:
    return Request(row="POLL-02", target="reference", seed=1, reports=str(folder))


def test_a_lane_runs_its_rows_on_the_same_services_and_ends_them(tmp_path: Path) -> None:
    lane, me = Lane(tmp_path / "services"), psutil.Process()
    before, family = set(me.children()), list[psutil.Process]()
    try:
        first = lane.run(request(tmp_path / "first"))
        (harness,) = set(me.children()) - before
        services = {child for child in harness.children() if "redis" in child.name()}
        second = lane.run(request(tmp_path / "second"))
        assert [each.verdict for each in (first, second) if each is not None] == [Verdict.PASS] * 2
        assert len(services) == 1
        assert services <= set(harness.children())
        family += [harness, *harness.children(recursive=True)]
        assert "POLL-02" in (tmp_path / "second" / "output.txt").read_text(encoding="utf-8")
    finally:
        lane.end()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert lane.run(request(tmp_path / "third")) is None


def test_a_lane_whose_harness_has_died_has_no_result_and_goes_on_with_a_new_one(tmp_path: Path) -> None:
    lane, me = Lane(tmp_path / "services"), psutil.Process()
    before = set(me.children())
    try:
        lane.run(request(tmp_path / "first"))
        (harness,) = set(me.children()) - before
        harness.kill()
        assert lane.run(request(tmp_path / "second")) is None
        third = lane.run(request(tmp_path / "third"))
        assert third is not None
        assert third.verdict is Verdict.PASS
    finally:
        lane.end()
