"""The plan says which stores each row breaks, and whether it needs a server that it can start and end."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from harness import scenarios
from harness.plan import read_plan
from harness.targets.behind import lacks_behind

PLAN = Path(__file__).parents[3] / "TEST_REALTIME_MESSAGING.md"
KEYS = set(lacks_behind({}, url=""))
WORDS = {
    "redis": ("redis_", "workers_killed_in_mid_push"),
    "mongodb": ("mongodb_",),
    "mongodb_url": ("mongodb_replica_set",),
    "redis_url": ("redis_sentinel", "redis_cluster"),
    "upstreams": ("upstream_", "upstreams"),
    "command": (
        "server_",
        "worker",
        "clocks_",
        "start_with_clocks",
        "start_limited",
        "start_several",
        "hang_up",
    ),
}
"""How the names begin of what a scenario uses of each."""


def needs(uses: set[str]) -> set[str]:
    """What a scenario needs that uses these attributes; the vitals are those of all that are ours."""
    if "watch" in uses:
        return KEYS - {"upstreams", "mongodb_url", "redis_url"}
    return {key for key, words in WORDS.items() if any(name.startswith(words) for name in uses)}


def test_each_row_names_what_its_scenario_breaks_or_starts() -> None:
    found = dict(_of_all_scenarios())
    assert len(found) > 50
    assert {row.id: set(row.only_where) & KEYS for row in read_plan(PLAN) if row.id in found} == found


def _of_all_scenarios() -> Iterator[tuple[str, set[str]]]:
    for path in sorted(Path(scenarios.__file__).parent.glob("[a-z]*.py")):
        functions = {
            node.name: node
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        for function in functions.values():
            for mark in (each for each in function.decorator_list if isinstance(each, ast.Call)):
                if isinstance(id_ := mark.args[0], ast.Constant) and "-" in str(id_.value):
                    yield str(id_.value), needs(_attributes(function, functions, set()))


def _attributes(node: ast.AST, functions: dict[str, ast.FunctionDef], seen: set[str]) -> set[str]:
    """The attributes that a function uses, and those that functions of its module use for it."""
    found = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    called = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} & functions.keys() - seen
    for name in called:
        found |= _attributes(functions[name], functions, seen | called)
    return found
