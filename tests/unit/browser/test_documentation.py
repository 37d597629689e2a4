"""docs/polling-client.md names what the client has."""

from __future__ import annotations

import gzip
import itertools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "reference_server" / "static"
MODULES = [STATIC / "messagePollingService.js", *sorted((STATIC / "polling").glob("*.js"))]
PAGE = (ROOT / "docs" / "polling-client.md").read_text(encoding="utf-8")
TYPES = (STATIC / "polling" / "types.d.ts").read_text(encoding="utf-8")
SERVICE = MODULES[0].read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """Return the rows of the first table below a heading or a sentence."""
    lines = PAGE.split(heading, 1)[1].splitlines()
    rows = list(itertools.takewhile(is_row, itertools.dropwhile(lambda line: not is_row(line), lines)))
    return rows[2:]


def is_row(line: str) -> bool:
    return line.startswith("|")


def first_column(heading: str) -> list[str]:
    """Return the names in code style of a table's first column."""
    return [name for row in table(heading) for name in re.findall(r"`(\w+)", row.split("|")[1])]


def interface(name: str) -> str:
    """Return the members of an interface of types.d.ts."""
    return TYPES.split(f"interface {name} {{\n")[1].split("\n}")[0]


def test_every_option_is_in_the_page_with_its_default() -> None:
    declared = re.findall(r"^  (\w+):", interface("Settings"), re.MULTILINE)
    assert sorted(first_column("## Options")) == sorted([*declared, "environment"])


def test_the_defaults_of_the_page_are_the_codes() -> None:
    said = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", "\n".join(table("## Options")), re.MULTILINE))
    block = SERVICE.split("const OPTIONS = {")[1].split("};")[0]
    code = dict(
        re.findall(
            r"^  (\w+): \[([^,]+),",
            block.replace("POLL_INTERVAL_MS", "2000").replace("10_000", "10000"),
            re.MULTILINE,
        )
    )
    assert said == code


def test_every_part_of_the_environment_is_in_the_page() -> None:
    row = table("## Options")[-1]
    declared = re.findall(r"^  (\w+)[:(]", interface("Environment"), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", row.split("world:")[1].split("With")[0])) == sorted(declared)


def test_every_kind_of_error_is_in_the_page() -> None:
    kinds = TYPES.split("type ErrorKind =")[1].split(";")[0]
    assert sorted(first_column("The kinds of errors:")) == sorted(re.findall(r"'?\"?(\w+)'?\"?", kinds))


def test_every_method_is_in_the_page() -> None:
    public = re.findall(r"^  (?:get )?(?!constructor)(\w+)\(.*\) {$", SERVICE, re.MULTILINE)
    assert sorted(first_column("## Methods")) == sorted(public)


def test_the_client_has_less_than_ten_kilobytes() -> None:
    assert sum(len(gzip.compress(module.read_bytes(), mtime=0)) for module in MODULES) < 10_000
