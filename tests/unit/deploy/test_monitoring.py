"""The dashboard and the alert rules ask for metrics that the server has, and the rules do what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from reference_server.metrics import Metrics

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((MONITORING / "rules.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
LABELS_OF_PROMETHEUS = {"job", "le"}
IS_SCRAPED = re.compile(r"\bchat_\w+")
SELECTED = re.compile(r"(chat_\w+)\{([^}]*)\}")


def all_metrics() -> dict[str, set[str]]:
    """Return the labels of each series, by its name, of a server that has done a bit of everything."""
    metrics = Metrics()
    metrics.answered("messages.poll", 200, 0.1)
    metrics.became_visible(1.0)
    metrics.timed("redis", {}).keys()
    series: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.page(pending=0).decode()):
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    return series


KNOWN = all_metrics()


def expressions() -> Iterator[Any]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_asks_for_what_there_is(expression: str) -> None:
    names = IS_SCRAPED.findall(expression)
    assert names
    assert set(names) <= set(KNOWN), "a metric that the server does not have"
    for name, selectors in SELECTED.findall(expression):
        assert set(re.findall(r"(\w+)\s*[=!]", selectors)) <= KNOWN[name] | LABELS_OF_PROMETHEUS
    grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(",")}
    assert grouped <= set().union(*(KNOWN[name] for name in names)) | LABELS_OF_PROMETHEUS


def test_the_dashboard_shows_every_metric() -> None:
    shown = {
        name
        for panel in DASHBOARD["panels"]
        for each in panel["targets"]
        for name in IS_SCRAPED.findall(each["expr"])
    }
    families = {
        re.sub(r"_(bucket|count|sum|total|created)$", "", name) for name in KNOWN if name.startswith("chat_")
    }
    assert families == {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in shown}


def test_no_panel_lies_on_another() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not here")
def test_the_rules_do_what_their_tests_say() -> None:
    for words in (["check", "rules", "rules.yaml"], ["test", "rules", "rules.test.yaml"]):
        done = subprocess.run(
            ["promtool", *words],
            cwd=MONITORING,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_test() -> None:
    cases = yaml.safe_load((MONITORING / "rules.test.yaml").read_text(encoding="utf-8"))["tests"]
    fired = {
        test["alertname"] for case in cases for test in case["alert_rule_test"] if test.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in RULES}
