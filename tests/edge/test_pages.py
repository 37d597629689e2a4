"""The how-tos are followed to the letter: files are written, commands run, what they print is compared."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from documentation.blocks import CHECKOUT, FILE, OUTPUT, ROOT, RUN, Block, blocks_of, to_be_followed
from harness.stack.waiting import free_port
from tests.edge.test_tutorial import TUTORIAL, pattern

LONGEST_S = 170
PAGES = [
    page
    for page in to_be_followed()
    if page != TUTORIAL and any(block.fate == RUN for block in blocks_of(page))
]
CHECKED_OUT = (
    "docs",
    "examples",
    "loadtests",
    "harness",
    "reference_server",
    "TEST_REALTIME_MESSAGING.md",
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
    pytest.mark.timeout(3 * LONGEST_S),
]


class Reader:
    """Follows a page in a folder; what it started ends with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = str(free_port())
        self._sessions: list[int] = []

    def follow(self, page: Path) -> None:
        said = ""
        for block in blocks_of(page):
            text = block.text.replace("8000", self._port)
            if block.fate == FILE:
                path = self._folder / block.says
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            elif block.fate == RUN:
                said = self._run(block, text)
            elif block.fate == OUTPUT:
                shown = re.search(pattern(text), " ".join(said.split()))
                assert shown, f"{block.place} is not as shown:\n{said}"

    def _run(self, block: Block, text: str) -> str:
        """Run commands; return what they print. What they leave behind runs on to the page's end."""
        printed = self._folder.with_suffix(".out")
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        with printed.open("w+", encoding="utf-8") as output:
            bash = subprocess.Popen(
                ["bash", "-c", text],
                cwd=self._folder,
                env={**os.environ, "PATH": path, "COLUMNS": "80"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._sessions.append(bash.pid)
            code = bash.wait(LONGEST_S)
            if not is_there(bash.pid):  # its number may be another's later
                self._sessions.remove(bash.pid)
            said = printed.read_text(encoding="utf-8")
        assert code in block.exit_codes, f"{block.place} ended with {code}:\n{text}\n{said}"
        return said

    def end(self) -> None:
        for group in self._sessions:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGTERM)


def is_there(group: int) -> bool:
    """Return whether a process group has any member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    one = Reader(tmp_path)
    yield one
    one.end()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_true(page: Path, reader: Reader, tmp_path: Path) -> None:
    if CHECKOUT in page.read_text(encoding="utf-8"):
        for name in CHECKED_OUT:
            (tmp_path / name).symlink_to(ROOT / name)
    reader.follow(page)
