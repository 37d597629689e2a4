"""What `pip install pollproof` gives: a wheel, away from the checkout, with what its commands need."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(ROOT), "--outdir"]
WITHOUT_PLAYWRIGHT = (
    "import sys; sys.modules['playwright'] = None; from harness.__main__ import main; sys.exit(main())"
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files and nothing else of this project."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def build(folder: Path) -> Path:
    done = subprocess.run([*BUILD, str(folder)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def run(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, where the packages of the wheel are found before those of the checkout."""
    env = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "80"}
    words = (sys.executable, *words)
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False)


def test_the_same_checkout_makes_the_same_wheel_to_the_byte(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_every_file_of_the_packages_is_in_it(site: Path) -> None:
    packages = [ROOT / name for name in ("reference_server", "harness", "loadtests")]
    files = [path for package in packages for path in package.rglob("*") if path.is_file()]
    tracked = [str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"]
    plan = "TEST_REALTIME_MESSAGING.md"
    assert (site / "harness" / plan).read_bytes() == (ROOT / plan).read_bytes()
    assert [name for name in tracked if not (site / name).is_file()] == []


def test_its_commands_are_there(site: Path) -> None:
    said = next(site.glob("*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    assert re.findall(r"^(pollproof\S*) = (\S+)$", said, re.MULTILINE) == list(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"].items()
    )


def test_a_server_is_judged_in_an_empty_folder(site: Path, tmp_path: Path) -> None:
    listed = run(site, tmp_path, "-m", "harness", "plan")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert re.search(r"^\d+ rows, of which \d+ need no checkout$", listed.stdout, re.MULTILINE)
    ran = run(site, tmp_path, "-m", "harness", "run", "--only", "FLOW-02")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [it.name for it in tmp_path.iterdir()] == ["reports"]


def test_a_row_of_the_projects_own_tests_is_left_out_with_its_reason(site: Path, tmp_path: Path) -> None:
    ran = run(site, tmp_path, "-m", "harness", "run", "--only", "QUEUE-01")
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "start in a checkout" in " ".join(ran.stdout.split())


def test_without_playwright_a_page_is_skipped_with_what_gets_it(site: Path, tmp_path: Path) -> None:
    ran = run(site, tmp_path, "-c", WITHOUT_PLAYWRIGHT, "client", "--only", "CLIENT-02")
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert "python -m pip install 'pollproof[browser]'" in " ".join(ran.stdout.split())
