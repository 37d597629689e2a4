"""The client profile: what the harness must know about a polling client to run it and judge it.

A profile is a TOML file; docs/clients.md documents every key. Paths are relative to the profile's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from harness.checkers.clients.promises import CLIENT_PROMISES
from harness.targets.profile_file import read_profile
from harness.typed import Record, Seconds, typed

BUNDLED = Path(__file__).parent / "reference"
PROMISES = tuple(promise.name for promise in CLIENT_PROMISES)
Text = Annotated[str, Meta(min_length=1)]


class PromiseName(str):
    """The name of a promise that clients make."""

    __slots__ = ()

    @classmethod
    def read(cls, value: Any) -> PromiseName:
        """Return the name in a profile. Raise ValueError for an unknown one."""
        if value not in PROMISES:
            raise ValueError(f"Expected the name of a promise ({', '.join(PROMISES)})")
        return cls(value)


class Shown(Record, frozen=True):
    """How a delivered message is recognised in a page that does not call the hook."""

    selector: Text
    attribute: Text
    """The attribute of the selected elements that holds the message's id."""


class Page(Record, frozen=True):
    """A client in a web page. Functions are JavaScript; `user` has `username` and `token`.

    `start` is called after each load, `stop` and `switch` once it has started; `before_load` before the
    page's own scripts.
    """

    path: Text
    files: Mapping[Text, Text] = {}
    """Folders to serve, by the path of their URLs; anything else comes from the server."""
    start: str = ""
    stop: str = ""
    switch: str = ""
    before_load: str = ""
    shown: Shown | None = None


class Program(Record, frozen=True):
    """A client that is a program; SIGTERM stops it, and its working directory is the profile's folder.

    In `command` these names in braces are replaced: `python`, `base_url`, `username`, `token`.
    """

    command: Annotated[tuple[Text, ...], Meta(min_length=1)]
    env: Mapping[str, str] = {}


class Numbers(Record, frozen=True):
    """The numbers that a client promises, in seconds."""

    interval_s: Seconds = 2.0
    longest_back_off_s: Seconds = 16.0
    """The longest wait after an error, in addition to a `Retry-After`."""
    timeout_s: Seconds = 10.0
    """How long it waits for an answer, in addition to the time for which it asked to be held."""
    catch_up_s: Seconds = 2.0
    """Within this time after it wakes, or can reach the server again, it polls."""


class Has(Record, frozen=True):
    """What a client can do; rows about something that it lacks are left out."""

    switch: bool = False
    reload: bool = False
    """After a reload it goes on where it was."""
    tabs: bool = False
    """Several tabs of one user share the polling."""
    hidden: bool = True
    """It goes on while its page is hidden."""
    sleep: bool = True
    """It notices that the machine slept, or that the network is back, and polls at once."""
    held_polls: bool = False
    """It asks the server to hold polls open (`wait`) while it is hidden."""
    retry_after: bool = True
    poll_after_ms: bool = True
    """It takes its interval from the server's `poll_after_ms`."""
    back_off: bool = True
    """It waits longer after each error."""
    validation: bool = True
    """It survives answers that are not what the contract says."""


class ClientProfile(Record, frozen=True):
    """One client under test: a page or a program."""

    name: Text
    page: Page | None = None
    program: Program | None = None
    numbers: Numbers = Numbers()
    has: Has = Has()
    does_not_promise: tuple[PromiseName, ...] = ()

    @property
    def kind(self) -> str:
        """'page' or 'program'."""
        return "page" if self.page is not None else "program"

    @property
    def promises(self) -> list[str]:
        """The names of the promises that it makes."""
        return [name for name in PROMISES if name not in self.does_not_promise]

    @property
    def offers(self) -> Mapping[str, bool]:
        """What it has, by the keys that the plan's "Only where" can name."""
        page = self.page
        return {**asdict(self.has), "page": page is not None, "start": bool(page and page.start)}

    @property
    def settles_within_s(self) -> float:
        """Within this time after the last misbehaviour it must have shown everything."""
        numbers = self.numbers
        longest = numbers.longest_back_off_s + numbers.interval_s + numbers.timeout_s
        return longest + numbers.catch_up_s + 1.0


class LoadedProfile(Record, frozen=True):
    """A profile, and the folder that its paths are relative to."""

    profile: ClientProfile
    folder: Path


def load_client(name_or_path: str) -> LoadedProfile:
    """Return the profile of a bundled client by its name, or of any client by the path of its file.

    Raise UsageError when the file cannot be read or is wrong.
    """
    file = read_profile("client", name_or_path, BUNDLED)
    folder = file.path.parent
    table = file.filled(templates=[("program", "command")], left=[("page",)])  # JavaScript has `${` itself
    try:
        profile = typed(table, ClientProfile)
        _require_sense(profile, folder)
    except ValueError as error:
        raise file.wrong(error) from error
    return LoadedProfile(profile, folder.absolute())


def _require_sense(profile: ClientProfile, folder: Path) -> None:
    """Raise ValueError, as the end of a sentence, for what fits the types and cannot be run."""
    if (profile.page is None) == (profile.program is None):
        raise ValueError("expected either a table `page` or a table `program`")
    if profile.page is not None:
        _require_page(profile, profile.page, folder)
    if profile.program is not None:
        _require_command(profile.program)


def _require_page(profile: ClientProfile, page: Page, folder: Path) -> None:
    for key, path in (("path", page.path), *(("files", path) for path in page.files)):
        if not path.startswith("/"):
            raise ValueError(f"{path!r} does not begin with a slash at `page.{key}`")
    for where in page.files.values():
        if not (folder / where).is_dir():
            raise ValueError(f"the folder {str(folder / where)!r} does not exist at `page.files`")
    if profile.has.switch and not page.switch:
        raise ValueError("expected a function, as `has.switch` is true, at `page.switch`")
    if not page.stop and "lets-go" in profile.promises:
        raise ValueError(
            "expected a function at `page.stop`, or 'lets-go' in `does_not_promise` if it cannot be stopped"
        )


def _require_command(program: Program) -> None:
    names = dict.fromkeys(("python", "base_url", "username", "token"), "")
    for word in program.command:
        try:
            word.format_map(names)
        except (KeyError, ValueError, IndexError):
            legal = ", ".join(sorted(names))
            raise ValueError(f"only the names {legal} are legal in braces at `program.command`") from None
