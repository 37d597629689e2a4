"""Chromium: found in the environment, on the PATH or in Playwright's cache; installed where that is allowed.

It is optional: only the rows and tests that open pages need it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from platformdirs import user_cache_path

from harness.errors import NotHere
from harness.parts import CHROMIUM
from harness.program import PROGRAM
from harness.stack.found import Found
from harness.stack.packages import Say, Unavailable, run

VARIABLE = "CHROMIUM"
LEFT_OUT = "WITHOUT_CHROMIUM"
"""The variable that leaves out, openly, what needs a browser."""
OLDEST = 123
"""Chat pages use CSS that is as new as this (field-sizing)."""
INSTALLER = f"{PROGRAM} doctor --install chromium"

SHELL, WHOLE = "chromium-headless-shell", "chromium"
"""Debian's packages. The shell has no window: a new page takes a third of the processor's time."""
_PROGRAMS = (SHELL, WHOLE, "chromium-browser", "google-chrome", "google-chrome-stable")
_OF_PLAYWRIGHT = (
    "chromium_headless_shell-*/chrome-*/*headless[-_]shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_NETWORK_S = 300.0
_INSTALLATION_S = 600.0
_VERSION_S = 60.0  # the first start after an installation reads some 200 MB


def locate_chromium(*, install: bool, say: Say) -> Found:
    """Return a Chromium; with `install`, get one if there is none.

    `say` is called with one line before anything that takes seconds, and for a program that cannot be used.
    Raise NotHere with the command that helps.
    """
    if named := os.environ.get(VARIABLE):
        return _named(named)
    found = _found(say)
    if found is None and install:
        found = _installed(say)
    if found is None:
        raise NotHere(f"There is no Chromium on the PATH or in Playwright's cache: {_advice()}.")
    return found


def left_out() -> bool:
    """Return whether the caller's environment leaves out what needs a browser."""
    return os.environ.get(LEFT_OUT, "") not in ("", "0")


def _named(named: str) -> Found:
    try:
        place = shutil.which(named)
        if place is None:
            raise Unavailable("it is not a program")
        return _chromium(Path(place), f"environment: {VARIABLE}")
    except Unavailable as error:
        raise NotHere(
            f"{VARIABLE} names {named}, which cannot be used ({error}): name a Chromium, or unset {VARIABLE}."
        ) from error


def _found(say: Say) -> Found | None:
    for place, origin in _candidates():
        try:
            return _chromium(place, origin)
        except Unavailable as error:
            say(f"{place} cannot be used ({error}); looking further")
    return None


def _candidates() -> Iterator[tuple[Path, str]]:
    on_path = filter(None, map(shutil.which, _PROGRAMS))
    yield from ((Path(place), "PATH") for place in on_path)
    for pattern in _OF_PLAYWRIGHT:
        for place in sorted(_playwrights_cache().glob(pattern), key=_revision, reverse=True):
            yield place, f"Playwright's cache: {place.relative_to(_playwrights_cache()).parts[0]}"


def _playwrights_cache() -> Path:
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    return Path(named) if named else user_cache_path("ms-playwright")


def _revision(place: Path) -> int:
    folder = place.relative_to(_playwrights_cache()).parts[0]
    return int(re.sub(r"\D", "", folder) or 0)


def _chromium(place: Path, origin: str) -> Found:
    return Found(CHROMIUM, _version(place), origin, binary=place)


def _version(program: Path) -> str:
    """Return the version that the program reports. Raise Unavailable when it does not start or is too old."""
    said = run([str(program), "--version"], env=dict(os.environ), deadline_s=_VERSION_S)
    version = re.search(r"(\d+)(\.\d+)+", said)
    if version is None:
        raise Unavailable(f"it does not report a version, but {said.strip()[:80]!r}")
    if int(version[1]) < OLDEST:
        raise Unavailable(f"version {version[0]} is older than {OLDEST}")
    return version[0]


def _installed(say: Say) -> Found:
    """Try each way that this machine allows, each within a time limit. Raise NotHere with the reasons."""
    problems = []
    for name, way in _WAYS.items():
        try:
            way(say)
            found = _found(say)
        except Unavailable as error:
            problems.append(f"{name}: {error}")
            continue
        if found is not None:
            return found
        problems.append(f"{name}: what it installed cannot be used")
    raise NotHere(f"Chromium could not be installed here ({'; '.join(problems)}): {_advice(installer='')}.")


def _by_apt(say: Say) -> None:
    """Install a package of Debian's, the shell where there is one. Raise Unavailable."""
    if shutil.which("apt-get") is None:
        raise Unavailable("it is not on the PATH")
    if os.geteuid() != 0:
        raise Unavailable("it needs root")
    say("Installing Chromium with apt-get (once)")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Another run's apt-get may be at work.
    wait = ["-o", f"DPkg::Lock::Timeout={_NETWORK_S:.0f}"]
    install = ["apt-get", *wait, "install", "-y", "--no-install-recommends"]
    run(["apt-get", *wait, "update"], env=env, deadline_s=_NETWORK_S)
    package = SHELL
    try:
        run([*install, SHELL, "--download-only"], env=env, deadline_s=_NETWORK_S)
    except Unavailable:  # not every distribution has it
        package = WHOLE
        run([*install, WHOLE, "--download-only"], env=env, deadline_s=_NETWORK_S)
    run([*install, package], env=env, deadline_s=_INSTALLATION_S)  # by now without the network


def _by_playwright(say: Say) -> None:
    """Let Playwright, where this Python has it, download its own into its cache. Raise Unavailable."""
    if importlib.util.find_spec("playwright") is None:
        raise Unavailable("this Python does not have it")
    say("Downloading Chromium with Playwright (once)")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    run(command, env=dict(os.environ), deadline_s=_NETWORK_S)


_WAYS: dict[str, Callable[[Say], None]] = {"apt-get": _by_apt, "Playwright": _by_playwright}


def _advice(installer: str = f"run `{INSTALLER}`, ") -> str:
    command = "brew install --cask chromium" if sys.platform == "darwin" else "apt-get install chromium"
    return (
        f"{installer}run `{command}`, set {VARIABLE} to one that is elsewhere, or"
        f" set {LEFT_OUT}=1 to leave out what needs it"
    )
