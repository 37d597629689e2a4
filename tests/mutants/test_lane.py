"""A lane runs rows of both plans."""

from __future__ import annotations

from harness.targets.profile import REFERENCE
from tests.mutants.lane import Request, what_to_run


def test_a_row_of_the_test_plan_is_run_with_the_server() -> None:
    options, rows, words = what_to_run(Request("FLOW-02", "server.toml", 7, "reports"))
    assert (options.target, options.seed, [row.id for row in rows]) == ("server.toml", 7, ["FLOW-02"])
    assert any(word.endswith("message_flow.py") for word in words)
    assert "--harness-client" not in words


def test_a_row_of_the_client_plan_is_run_with_the_client_and_the_reference_server() -> None:
    options, rows, words = what_to_run(Request("CLIENT-01", "client.toml", 7, "reports"))
    assert (options.target, options.seed, [row.id for row in rows]) == (REFERENCE, 7, ["CLIENT-01"])
    assert words[words.index("--harness-client") + 1] == "client.toml"
    assert any(word.endswith("healthy.py") for word in words)
