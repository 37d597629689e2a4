"""What a mutant of the client is: the client of this project, with a few words of its files replaced."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.registry import Mutant, register, replaced_once

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "harness" / "polling_clients" / "reference" / "reference.toml"
FOLDERS: Mapping[str, Path] = {
    "page": PROFILE.parent / "page",
    "service": ROOT / "reference_server" / "static",
}
"""What the profile serves: the page under test, and the client that it loads."""
SERVICE = "service/messagePollingService.js"
POLLER = "service/polling/poller.js"
PAGE = "page/index.html"
Words = tuple[str, str]
"""What is there once, and what replaces it."""


@dataclass(frozen=True)
class ClientMutant(Mutant):
    """A broken client. `patches` has what is replaced in each file."""

    patches: Mapping[str, tuple[Words, ...]]

    def target(self, folder: Path) -> Path:
        """Write the broken client and its profile. Raise ValueError if what it replaces is not there once."""
        for name, where in FOLDERS.items():
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(where, folder / name)
        for file, text in self.patched().items():
            (folder / file).write_text(text, encoding="utf-8")
        profile = folder / "target.toml"
        profile.write_text(_profile(), encoding="utf-8")
        return profile

    def patched(self) -> dict[str, str]:
        """Return the files that it changes. Raise ValueError if what it replaces is not there once."""
        return {file: _patched(file, words) for file, words in self.patches.items()}


def broken_client(
    name: str,
    sentence: str,
    *patches: Words,
    mechanism: str,
    row: str,
    promise: str,
    file: str = POLLER,
    also: Mapping[str, tuple[Words, ...]] | None = None,
    quick: bool = False,
) -> None:
    """Register a mutant of the client: `patches` are for `file`, `also` has those of other files."""
    all_patches = {**({file: patches} if patches else {}), **(also or {})}
    register(ClientMutant(name, mechanism, sentence, row, promise, "", quick, all_patches))


def _patched(file: str, patches: tuple[Words, ...]) -> str:
    folder, _, name = file.partition("/")
    text = (FOLDERS[folder] / name).read_text(encoding="utf-8")
    for old, new in patches:
        text = replaced_once(text, re.escape(old), new)
    return text


def _profile() -> str:
    """Return the client's profile with the folders beside it."""
    text = PROFILE.read_text(encoding="utf-8")
    text = replaced_once(text, r'(?m)^"/client/" = .*$', '"/client/" = "page"')
    return replaced_once(text, r'(?m)^"/client/service/" = .*$', '"/client/service/" = "service"')
