"""The polling client under Node's test runner; `tests/edge/browser` runs the same files in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.node import FILES, OLDEST_NODE, check, node


def test_there_are_tests() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".test.mjs"))
def test_the_client_keeps_its_promises(file: Path) -> None:
    path = node()
    if path is None:
        pytest.skip(f"node {OLDEST_NODE} or newer is not on the PATH")
    check(path, file)
