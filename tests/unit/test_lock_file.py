"""CI installs its lock files: a version of all that pyproject.toml asks for, with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".ci"
LOCK = (FOLDER / "requirements.txt").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
OF_THE_IMAGE = [
    line
    for line in (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
OUTDATED = "the lock file no longer fits pyproject.toml: run `python3 -m nox -s lock`"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def asked_for() -> list[str]:
    """Return what the project and its extras ask for, without the project itself."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [line for line in lines if Requirement(line).name != PROJECT["name"]]


def locked(text: str = LOCK) -> list[tuple[Requirement, str]]:
    """Return each locked requirement, with the lines of its hashes."""
    entries = re.findall(r"^(\S[^\\\n]*==[^\\\n]*)\\\n((?:    --hash=.*\n)+)", text, re.MULTILINE)
    return [(Requirement(line.strip()), hashes) for line, hashes in entries]


@pytest.mark.parametrize("line", asked_for(), ids=lambda line: Requirement(line).name)
def test_what_is_asked_for_is_locked_at_a_version_that_it_allows(line: str) -> None:
    wanted = Requirement(line)
    for python in PYTHONS:
        machine = {
            "python_version": python,
            "python_full_version": f"{python}.5",
            "sys_platform": "linux",
            "platform_machine": "x86_64",
            "os_name": "posix",
        }
        if wanted.marker and not wanted.marker.evaluate(machine):
            continue
        versions = [
            next(iter(each.specifier)).version
            for each, _ in locked()
            if canonicalize_name(each.name) == canonicalize_name(wanted.name)
            and (each.marker is None or each.marker.evaluate(machine))
        ]
        assert len(versions) == 1, OUTDATED
        assert wanted.specifier.contains(versions[0], prereleases=True), OUTDATED


@pytest.mark.parametrize(
    ("wanted", "file"),
    [(GROUPS["nox"], "nox.txt"), (GROUPS["release"], "release.txt"), (OF_THE_IMAGE, "server.txt")],
    ids=["nox", "release", "image"],
)
def test_what_has_a_lock_file_of_its_own_is_in_it_at_versions_that_are_asked_for(
    wanted: list[str], file: str
) -> None:
    versions = {each.name: each.specifier for each, _ in locked((FOLDER / file).read_text(encoding="utf-8"))}
    for each in map(Requirement, wanted):
        assert each.specifier.contains(next(iter(versions[each.name])).version), OUTDATED


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.txt")), ids=lambda file: file.name)
def test_nothing_is_installed_without_its_hash_and_no_index_is_named(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(lines) == len(locked(text)) > 5
    assert not re.search(r"://|--(extra-)?index|--find-links", text)
