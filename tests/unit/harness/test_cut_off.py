"""`junit.xml` after an interrupt: Jenkins and GitLab read no test case without a name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from xml.etree import ElementTree

import pytest
from _pytest.junitxml import LogXML

from harness.runner.cut_off import CutOffTests


def report(name: str, when: Literal["setup", "call", "teardown"]) -> pytest.TestReport:
    nodeid = f"scenarios/flow.py::{name}"
    return pytest.TestReport(nodeid, ("scenarios/flow.py", 7, name), {}, "passed", None, when, duration=1.5)


def test_a_test_that_was_cut_off_has_a_name_and_is_skipped(tmp_path: Path) -> None:
    writer = LogXML(str(tmp_path / "junit.xml"), None)
    manager = SimpleNamespace(get_plugins=lambda: {writer, object()})
    config: Any = SimpleNamespace(pluginmanager=manager)
    cut_off = CutOffTests(config)
    writer.pytest_sessionstart()
    for name, phases in {"test_ended": ("setup", "call", "teardown"), "test_cut_off": ("setup",)}.items():
        for when in phases:
            for plugin in (cut_off, writer):
                plugin.pytest_runtest_logreport(report(name, when))  # type: ignore[arg-type]
    cut_off.pytest_sessionfinish()
    writer.pytest_sessionfinish()
    cases = {case.get("name"): case for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")}
    assert set(cases) == {"test_ended", "test_cut_off"}
    assert cases["test_ended"].find("skipped") is None
    skipped = cases["test_cut_off"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "interrupted"
    assert cases["test_cut_off"].get("classname") == "scenarios.flow"
