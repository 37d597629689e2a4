"""Where Chromium is taken from, how it is installed, and what is said where it may not be.

The programs are shell scripts: nothing is downloaded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harness.errors import NotHere
from harness.stack import doctor, locate_chromium
from harness.stack.browser import running
from harness.stack.packages import Unavailable, run
from harness.stack.waiting import wait_until
from tests.edge.test_stack_locate import program

SAYS = "Chromium 142.0.7444.59 built on Debian"


def silent(line: str) -> None:
    pass


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No Chromium anywhere, no apt-get, and a Python without a Playwright that downloads."""
    for variable in ("CHROMIUM", "WITHOUT_CHROMIUM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr("sys.executable", str(program(tmp_path / "python", "no network", status=1)))
    (tmp_path / "path").mkdir()
    return tmp_path


def apt_get(nowhere: Path, *lines: str) -> Path:
    """An apt-get that notes its words and has the system's programs."""
    place = program(nowhere / "path" / "apt-get", "")
    text = [f'#!/bin/sh\nexport PATH=/usr/bin:/bin\necho "$@" >> {nowhere}/apt.log', *lines]
    place.write_text("\n".join(text) + "\n", encoding="utf-8")
    return place


def puts_chromium(nowhere: Path, name: str = "chromium-headless-shell") -> str:
    place = nowhere / "path" / name
    return f"""case "$*" in *--download-only*|*update*) ;; *)
  printf '#!/bin/sh\\necho {SAYS}\\n' > {place}; chmod +x {place};; esac"""


class TestFinding:
    def test_a_program_on_the_path(self, nowhere: Path) -> None:
        there = program(nowhere / "path" / "chromium", SAYS)
        found = locate_chromium(install=False, say=silent)
        assert (found.version, found.origin, found.binary) == ("142.0.7444.59", "PATH", there)

    def test_the_one_without_a_window_is_preferred(self, nowhere: Path) -> None:
        program(nowhere / "path" / "chromium", SAYS)
        shell = program(nowhere / "path" / "chromium-headless-shell", SAYS)
        assert locate_chromium(install=False, say=silent).binary == shell

    def test_the_variable_comes_first_and_may_be_a_name_or_a_path(
        self, nowhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(nowhere / "path" / "chromium", SAYS)
        mine = program(nowhere / "path" / "my browser", "Chromium 150.0.1.2")
        for named in (str(mine), "my browser"):
            monkeypatch.setenv("CHROMIUM", named)
            found = locate_chromium(install=False, say=silent)
            assert (found.version, found.origin) == ("150.0.1.2", "environment: CHROMIUM")

    @pytest.mark.parametrize("says", [None, "Firefox", "Chromium 90.0.1.2"])
    def test_a_variable_that_names_something_else_is_an_error_in_one_sentence(
        self, nowhere: Path, monkeypatch: pytest.MonkeyPatch, says: str | None
    ) -> None:
        program(nowhere / "path" / "chromium", SAYS)
        named = nowhere / "named"
        if says:
            program(named, says)
        monkeypatch.setenv("CHROMIUM", str(named))
        with pytest.raises(
            NotHere, match=r"^CHROMIUM names .*named, which cannot be used .*unset CHROMIUM\.$"
        ):
            locate_chromium(install=True, say=silent)

    def test_what_cannot_be_used_is_passed_over(self, nowhere: Path) -> None:
        said: list[str] = []
        stub = program(nowhere / "path" / "chromium-browser", "it needs the snap", status=1)  # Ubuntu's
        program(nowhere / "path" / "google-chrome", "Google Chrome 142.0.1.2 ")
        assert locate_chromium(install=False, say=said.append).version == "142.0.1.2"
        assert said == [f"{stub} cannot be used (it needs the snap); looking further"]

    def test_playwrights_newest_is_used(self, nowhere: Path) -> None:
        for revision in ("999", "1200"):
            program(nowhere / f"playwright/chromium-{revision}/chrome-linux64/chrome", f"Chrome {revision}.0")
        found = locate_chromium(install=False, say=silent)
        assert (found.version, found.origin) == ("1200.0", "Playwright's cache: chromium-1200")

    def test_a_machine_without_one_gets_a_sentence_with_the_command(self, nowhere: Path) -> None:
        with pytest.raises(NotHere) as caught:
            locate_chromium(install=False, say=silent)
        assert str(caught.value) == (
            "There is no Chromium on the PATH or in Playwright's cache: run `python -m harness doctor"
            " --install chromium`, run `apt-get install chromium`, set CHROMIUM to one that is elsewhere, or"
            " set WITHOUT_CHROMIUM=1 to leave out what needs it."
        )


def has_ended(pid: int) -> bool:
    """Return whether no process has this id, or only a zombie that nobody has waited for."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class TestInstalling:
    def test_root_gets_debians(self, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        apt_get(nowhere, puts_chromium(nowhere))
        said: list[str] = []
        assert locate_chromium(install=True, say=said.append).origin == "PATH"
        assert said == ["Installing Chromium with apt-get (once)"]
        last = (nowhere / "apt.log").read_text(encoding="utf-8").splitlines()[-1]
        assert last.endswith("install -y --no-install-recommends chromium-headless-shell")

    def test_a_distribution_without_the_shell_gives_the_whole_browser(
        self, nowhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        unknown = 'case "$*" in *headless-shell*) echo "E: Unable to locate package" >&2; exit 100;; esac'
        apt_get(nowhere, unknown, puts_chromium(nowhere, "chromium"))
        found = locate_chromium(install=True, say=silent)
        assert found.binary == nowhere / "path" / "chromium"

    def test_a_user_who_is_not_root_gets_playwrights(
        self, nowhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        apt_get(nowhere, puts_chromium(nowhere))
        place = nowhere / "playwright/chromium-1300/chrome-linux64/chrome"
        python = program(nowhere / "python", "")
        python.write_text(
            "#!/bin/sh\nexport PATH=/usr/bin:/bin\n"
            f"mkdir -p {place.parent}; printf '#!/bin/sh\\necho {SAYS}\\n' > {place}; chmod +x {place}\n",
            encoding="utf-8",
        )
        assert locate_chromium(install=True, say=silent).binary == place
        assert not (nowhere / "apt.log").exists()

    def test_where_neither_is_allowed_one_sentence_says_why(
        self, nowhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        apt_get(nowhere, 'echo "E: Unable to locate package chromium" >&2; exit 100')
        with pytest.raises(NotHere) as caught:
            locate_chromium(install=True, say=silent)
        assert str(caught.value) == (
            "Chromium could not be installed here (apt-get: Unable to locate package chromium; Playwright: no"
            " network): run `apt-get install chromium`, set CHROMIUM to one that is elsewhere, or set"
            " WITHOUT_CHROMIUM=1 to leave out what needs it."
        )

    def test_the_reason_is_the_error_and_not_where_it_was_raised(self, nowhere: Path) -> None:
        apt = apt_get(nowhere, "echo 'Error: no such host\n    at Socket (node:net:1)' >&2; exit 1")
        with pytest.raises(Unavailable, match=r"^no such host$"):
            run([str(apt)], env=dict(os.environ), deadline_s=30)

    def test_what_hangs_is_ended_with_all_that_it_started(self, nowhere: Path) -> None:
        apt = apt_get(nowhere, f"sleep 300 & echo $! > {nowhere}/pid; wait")
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"did not end within 0\.5 s"):
            run([str(apt)], env=dict(os.environ), deadline_s=0.5)
        assert time.monotonic() - began < 60
        started = int((nowhere / "pid").read_text(encoding="utf-8"))
        # A killed process takes a moment to go.
        wait_until(lambda: has_ended(started), deadline_s=30, what="the end of what the program started")


class TestDoctor:
    def test_chromium_is_optional_and_says_what_is_lacking(self, nowhere: Path) -> None:
        (row,) = doctor(["chromium"])
        assert row.found is None
        assert row.command == "python -m harness doctor --install chromium"
        assert row.without == "the rows and tests that open pages are skipped"

    def test_a_wrong_variable_is_to_be_unset(self, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CHROMIUM", "/nowhere")
        (row,) = doctor(["chromium"])
        assert row.command == "unset CHROMIUM"

    def test_after_a_try_to_install_the_reason_is_what_remains(self, nowhere: Path) -> None:
        (row,) = doctor(["chromium"], install=True)
        assert row.problem.startswith("Chromium could not be installed here (apt-get: it is not on the PATH;")
        assert row.command == ""


@pytest.fixture
def thread() -> Iterator[Executor]:
    """A thread, as Playwright runs once in each: the main one may have the browser of other tests."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def text_shown(program: Path) -> str:
    with running(program) as browser:
        page = browser.new_page()
        page.set_content("<p>Hello</p>")
        return page.inner_text("p")


class TestStarting:
    def test_a_program_that_is_not_a_browser_is_said_in_one_sentence(
        self, tmp_path: Path, thread: Executor
    ) -> None:
        started = thread.submit(text_shown, program(tmp_path / "chromium", "hello", status=1))
        with pytest.raises(NotHere, match=r"chromium does not start: "):
            started.result()

    def test_a_browser_without_any_font_is_said_in_one_sentence(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thread: Executor
    ) -> None:
        found = _here()
        fonts = tmp_path / "fonts.conf"
        fonts.write_text(f"<fontconfig><cachedir>{tmp_path}</cachedir></fontconfig>", encoding="utf-8")
        monkeypatch.setenv("FONTCONFIG_FILE", str(fonts))
        with pytest.raises(NotHere, match=r"no font, .*fonts-dejavu-core"):
            thread.submit(text_shown, found).result()

    def test_it_shows_text(self, thread: Executor) -> None:
        assert thread.submit(text_shown, _here()).result() == "Hello"


def _here() -> Path:
    try:
        binary = locate_chromium(install=False, say=silent).binary
    except NotHere as error:
        pytest.skip(error.sentence)
    assert binary is not None
    return binary
