"""Build the site of docs/: `python -m documentation.site FOLDER`. Any warning of Sphinx is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> str:
    """Build the site into a folder, which is emptied before; return what Sphinx complains about, or ''."""
    shutil.rmtree(folder, ignore_errors=True)
    words = [
        "sphinx",
        "-c",
        "docs",
        "-b",
        "html",
        "-W",
        "--keep-going",
        "-q",
        "-E",
        "-d",
        f"{folder}.doctrees",
    ]
    done = subprocess.run(
        [sys.executable, "-m", *words, ".", str(folder)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    shutil.rmtree(f"{folder}.doctrees", ignore_errors=True)
    return done.stdout + done.stderr if done.returncode else ""


def main() -> int:
    """Build it; return the exit code."""
    folder = Path(sys.argv[1] if sys.argv[1:] else "build/site").absolute()
    if problems := build(folder):
        print(problems, file=sys.stderr)  # noqa: T201
        return 1
    print(f"The site is {folder / 'index.html'}.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
