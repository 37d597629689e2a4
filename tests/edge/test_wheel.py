"""What `pip install pollproof` gives: a wheel, away from the checkout, with what its commands need."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from tests.edge.installing import ROOT, Environment, build, copy_sources, new_environment
from tests.edge.running_rows import results_in
from tests.edge.test_tutorial import SERVER, STEPS, follow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("reference_server", "harness", "loadtests")
PLAN = "TEST_REALTIME_MESSAGING.md"
ROW = "FLOW-09"
"""Two browsers of one user, who poll while others write: the row with which the tutorial begins."""
CACHE = {"XDG_CACHE_HOME": str(user_cache_path())}
"""The services that are here already, for a user with another home."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkout's wheel and sdist."""
    folder = tmp_path_factory.mktemp("built")
    build(ROOT, folder, "--wheel")
    build(ROOT, folder, "--sdist")
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The wheel with what it asks for, without extras, at a path that needs quoting, and read-only."""
    environment = new_environment(tmp_path_factory.mktemp("base") / "mein Ordner é", wheel)
    before = _files(environment.site)
    _set_writable(environment.site, False)
    yield environment
    _set_writable(environment.site, True)
    assert _files(environment.site) == before, "something was written beside the package"


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def _set_writable(folder: Path, writable: bool) -> None:
    for path in [folder, *filter(Path.is_dir, folder.rglob("*"))]:
        path.chmod(0o755 if writable else 0o555)


# -- what is built


def test_the_same_sources_make_the_same_files_to_the_byte_wherever_and_whenever(
    built: Path, tmp_path: Path
) -> None:
    """In a folder without git, with other permissions, another locale, time zone and order of sets.

    That wheel is made from the sdist; the other is made from the checkout.
    """
    elsewhere, out = tmp_path / "ein anderer Ordner ü", tmp_path / "out"
    elsewhere.mkdir()
    previous = os.umask(0o077)
    try:
        copy_sources(elsewhere)
        other = {"LC_ALL": "POSIX", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "HOME": "/"}
        build(elsewhere, out, env=other)
    finally:
        os.umask(previous)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {
        file.name: file.read_bytes() for file in built.iterdir()
    }


def test_every_file_of_the_packages_is_in_both(built: Path, wheel: Path) -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"}
    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()
        assert archive.read(f"harness/{PLAN}") == (ROOT / PLAN).read_bytes()
        others = {name.partition("/")[0] for name in archive.namelist()} - set(PACKAGES)
    assert others == {f"pollproof-{PROJECT['version']}.dist-info"}
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert wanted - names == set()


def test_its_metadata_are_those_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.partition("/")[0] for name in archive.namelist()} - set(PACKAGES)
        about = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        scripts = archive.read(f"{folder}/entry_points.txt").decode()
    assert dict(re.findall(r"^(pollproof\S*) = (\S+)$", scripts, re.MULTILINE)) == PROJECT["scripts"]
    assert about["Version"] == PROJECT["version"]
    assert about["Requires-Python"] == PROJECT["requires-python"]
    assert set(about.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert (about["License-Expression"], about["License-File"]) == ("MIT", "LICENSE")


# -- what is installed


@pytest.mark.parametrize("program", ["pollproof", "pollproof-load"])
def test_its_commands_are_there(base: Environment, tmp_path: Path, program: str) -> None:
    done = base.run(program, "--version" if program == "pollproof" else "--help", cwd=tmp_path)
    expected = f"pollproof {PROJECT['version']}\n" if program == "pollproof" else ""
    assert (done.stdout, done.returncode) == (expected, 0 if expected else 2), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("program", "words", "extra"),
    [
        ("pollproof", ["run"], "server"),
        ("pollproof", ["try", "reference"], "server"),
        ("pollproof", ["chaos"], "server"),
        ("pollproof", ["serve"], "server"),
        ("pollproof-server", [], "server"),
        ("pollproof", ["client"], "browser"),
        ("pollproof", ["exec", "--", "locust"], "load"),
        ("pollproof-load", [], "load"),
    ],
)
def test_what_needs_an_extra_says_so_before_any_work(
    base: Environment, tmp_path: Path, program: str, words: list[str], extra: str
) -> None:
    done = base.run(program, *words, cwd=tmp_path, env=CACHE)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert re.search(rf"run `python -m pip install 'pollproof\[{extra}\]( @ file://|'`)", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_all_that_pip_says_of_the_environment_is_that_nothing_is_missing(
    base: Environment, tmp_path: Path
) -> None:
    done = base.run("python", "-m", "pip", "check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "No broken requirements found.\n")


def test_the_plan_is_listed_in_an_empty_folder(base: Environment, tmp_path: Path) -> None:
    done = base.run("pollproof", "plan", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ rows, of which \d+ need no checkout$", done.stdout, re.MULTILINE)


def test_a_profile_is_written_and_names_the_command_that_was_called(
    base: Environment, tmp_path: Path
) -> None:
    done = base.run("pollproof", "init", "--yes", "--url", "http://127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pollproof try profile.toml" in done.stdout
    assert [it.name for it in tmp_path.iterdir()] == ["profile.toml"]


@pytest.mark.usefixtures("services")  # skips, or fails in CI, where there are none to start
@pytest.mark.parametrize("is_mended", [True, False], ids=["mended", "naive"])
def test_it_certifies_the_tutorials_server(base: Environment, tmp_path: Path, is_mended: bool) -> None:
    """Which has an environment of its own, in a folder with names that the package has, too."""
    folder = tmp_path / "dein Ordner ü"
    shutil.copytree(ROOT / SERVER, folder / SERVER)
    for mend in STEPS[-1].mends_before if is_mended else []:
        follow(mend, folder)
    profile = folder / SERVER / "naive.toml"
    text = profile.read_text(encoding="utf-8")
    assert "{python}" in text
    profile.write_text(text.replace("{python}", sys.executable), encoding="utf-8")
    for name in (*PACKAGES, "tests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise RuntimeError('not for a run')\n", encoding="utf-8")
    words = ["run", "--target", str(profile), "--only", ROW]
    done = base.run("pollproof", *words, cwd=folder, env=CACHE)
    found = results_in(folder / "reports" / "latest")
    said = done.stdout + done.stderr
    assert set(found) == {ROW}, said
    if is_mended:
        undecided = {row["reason"] for row in found.values() if row["verdict"] == "inconclusive"}
        assert done.returncode == (3 if undecided else 0), said
        assert all("too busy to measure" in reason for reason in undecided), said
    else:
        assert done.returncode == 1, said
        assert found[ROW]["verdict"] == "fail"


@pytest.mark.usefixtures("services")
def test_the_reference_server_of_the_wheel_is_certified_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    """With the packages of the extra: here, those of this Python."""
    site, folder = tmp_path / "site", tmp_path / "empty"
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    env = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "80"}
    for row, exit_code, words in (("FLOW-02", 0, "Pass: "), ("QUEUE-01", 2, "start in a checkout")):
        done = subprocess.run(
            [sys.executable, "-m", "harness", "run", "--only", row],
            cwd=folder,
            env=env,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert words in " ".join(done.stdout.split())
    assert [it.name for it in folder.iterdir()] == ["reports"]
