"""The client and the page in the eyes of TypeScript, where there is a `tsc`; `nox -s types_js` brings one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "reference_server" / "static"


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("tsc is not on the PATH: `nox -s types_js` runs this test with one from npm")
    command = [tsc, "--project", str(folder), "--pretty", "false"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_the_types_are_right_strictly() -> None:
    done = check(STATIC)
    assert done.returncode == 0, done.stdout


def test_a_wrong_type_is_found(tmp_path: Path) -> None:
    folder = shutil.copytree(STATIC, tmp_path / "static")
    service = folder / "polling.js"
    service.write_text(service.read_text(encoding="utf-8") + "\nstartPolling(1);\n", encoding="utf-8")
    done = check(folder)
    assert done.returncode != 0
    assert "polling.js" in done.stdout
