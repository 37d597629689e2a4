"""Building the package, and environments with a wheel of it and what that asks for, without an index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCES = (
    *("pyproject.toml", ".gitignore", "README.md", "LICENSE", "CHANGELOG.md", "TEST_REALTIME_MESSAGING.md"),
    *("reference_server", "harness", "loadtests", "docs", "examples"),
)
"""What the package is built from; a test shows that nothing else is needed."""
DEADLINE_S = 240

Done = subprocess.CompletedProcess[str]


def build(source: Path, folder: Path, *what: str, env: Mapping[str, str] | None = None) -> None:
    """Build `--sdist`, `--wheel` or, without either, an sdist and a wheel of that sdist."""
    words = [sys.executable, "-m", "build", "--no-isolation", *what, str(source), "--outdir", str(folder)]
    done = subprocess.run(
        words, env={**os.environ, **(env or {})}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def copy_sources(folder: Path) -> None:
    """Copy what the package is built from, with the times and permissions of new files."""
    for name in SOURCES:
        source, copy = ROOT / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            shutil.copyfile(source, copy)
        else:
            shutil.copytree(
                source, copy, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__")
            )


@dataclass(frozen=True)
class Environment:
    """A virtual environment without any other packages than those that a wheel asks for."""

    folder: Path

    @property
    def site(self) -> Path:
        """Where its packages are."""
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    def run(self, program: str, *words: str, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
        """Run one of its programs as a shell does whose environment is not activated."""
        path = os.environ.get("PATH", os.defpath).split(os.pathsep)
        others = os.pathsep.join(folder for folder in path if folder != sysconfig.get_path("scripts"))
        own = {"HOME": str(cwd), "COLUMNS": "80", "PATH": others, **(env or {})}
        inherited = {name: value for name, value in os.environ.items() if name not in OF_THE_CALLER}
        return subprocess.run(
            [str(self.folder / "bin" / program), *words],
            cwd=cwd,
            env=inherited | own,
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE_S,
            check=False,
        )


OF_THE_CALLER = ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")


def new_environment(folder: Path, wheel: Path) -> Environment:
    """Install a wheel with copies of the packages that it asks for: those that this Python has."""
    venv.EnvBuilder(with_pip=False).create(folder)
    environment = Environment(folder)
    for name in sorted(_asked_by(wheel)):
        _copy(metadata.distribution(name), environment.site)
    words = ["-m", "pip", "install", "--quiet", "--no-index", str(wheel)]
    done = environment.run("python", *words, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment


def _asked_by(wheel: Path) -> set[str]:
    """Return the names of what a wheel asks for without extras, and of what those packages ask for."""
    (about,) = metadata.distributions(path=[str(wheel)])
    found = set[str]()
    waiting = [(line, frozenset[str]()) for line in about.requires or []]
    seen = set(waiting)
    while waiting:
        line, extras = waiting.pop()
        wanted = Requirement(line)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            continue
        found.add(wanted.name)
        more = metadata.distribution(wanted.name).requires or []
        new = {(each, frozenset(wanted.extras)) for each in more} - seen
        seen |= new
        waiting += new
    return found


def _copy(package: metadata.Distribution, site: Path) -> None:
    for file in package.files or []:
        if ".." in file.parts:  # programs are made for each environment
            continue
        if file.suffix == ".pyc" or "__pycache__" in file.parts:  # virtualenv lists some that are elsewhere
            continue
        source, copy = Path(str(package.locate_file(file))), site / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)  # with its time, by which its bytecode is recognized
        if source.suffix == ".py" and (compiled := Path(cache_from_source(source))).exists():
            (copy.parent / "__pycache__").mkdir(exist_ok=True)
            shutil.copy2(compiled, cache_from_source(copy))
