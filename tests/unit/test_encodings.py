"""Text is UTF-8 whatever the locale says. PLW1514 finds only what it infers to be a path; this finds all."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("reference_server", "harness", "loadtests", "tests")
FILES = [ROOT / "noxfile.py", *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))]
MAY_DEPEND = re.compile(r"read_text\(\)|write_text\(|open\(|text=|universal_newlines=")
"""What is in every such call: to parse every file would take six times as long."""
PROGRAMS = {"run", "Popen", "check_output", "check_call"}


def _depends_on_the_locale(call: ast.Call) -> bool:
    named = {keyword.arg for keyword in call.keywords}
    if "encoding" in named:
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return (
        (name == "read_text" and not call.args)
        or (name == "write_text" and len(call.args) < 2)
        or (name in PROGRAMS and bool(named & {"text", "universal_newlines"}))
        or (name in {"open", "fdopen"} and any(re.fullmatch("[awrx+t]+", text) for text in texts))
    )


def _calls_that_depend(source: str) -> list[int]:
    """Return the lines of the calls whose text would be in the locale's encoding."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if _depends_on_the_locale(call)]


def test_no_file_or_pipe_is_read_in_the_encoding_of_the_locale() -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for file in FILES
        if MAY_DEPEND.search(source := file.read_text(encoding="utf-8"))
        and (lines := _calls_that_depend(source))
    }

    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "path.read_text()",
        "path.write_text(words)",
        "path.open('a')",
        "os.fdopen(number, 'w')",
        "subprocess.run(words, text=True)",
    ],
)
def test_a_call_that_leaves_the_encoding_to_the_locale_is_found(source: str) -> None:
    assert MAY_DEPEND.search(source)
    assert _calls_that_depend(source) == [1]


@pytest.mark.parametrize(
    "source",
    ["path.read_text(encoding='utf-8')", "path.open('rb')", "breaker.open(error)", "subprocess.run(words)"],
)
def test_a_call_that_names_its_encoding_or_reads_bytes_is_not(source: str) -> None:
    assert _calls_that_depend(source) == []
