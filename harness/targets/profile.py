"""The target profile: what the harness must know about a server to start it and judge it.

A profile is a TOML file; `harness/targets/reference.toml` documents every key. In `command`, `env` and
`limited` these names in braces are replaced: `python`, `host`, `port`, `workers`, `redis_url`, `mongodb_url`,
`database`, `secret`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import asdict, replace

from harness.adapters.base import NewAdapter, Site
from harness.adapters.named import adapter_class
from harness.adapters.over_http import Codec, HttpAdapter
from harness.adapters.wire import Abilities, Wire, abilities_of
from harness.checkers import PROMISES
from harness.history import Bounds
from harness.policy import Features, Policy, Statuses
from harness.semantics import ALL, Semantics
from harness.stack.stores import DEFAULT_STORES, Stores, require_right
from harness.targets.behind import lacks_behind
from harness.targets.lacking import lacks_of
from harness.targets.profile_file import read_profile
from harness.typed import Count, Place, Record, Seconds, typed

TARGETS = Path(__file__).parent
REFERENCE = "reference"
"""The bundled target, into which the project's own tests look."""
TEMPLATES: tuple[Place, ...] = (
    ("command",),
    ("env",),
    ("limited",),
    ("wire", "user_command"),
    ("wire", None, "path"),
)
"""Where names in braces are replaced after the profile was read."""
Text = str | int | float | bool
"""Values that become text in the environment."""


class Profile(Record, frozen=True):
    """One server under test. `ready_path` answers 200 once the server serves.

    `readiness_path` answers 200 while it can do its work: that, too, is its steady state.

    `limited` is added to `env` for rows about limits.

    `stores_as_the_contract` says whether its queues are the Redis lists that the contract names.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    """Of a server that runs already; instead of a command."""
    env: Mapping[str, Text] = {}
    limited: Mapping[str, Text] = {}
    ready_path: str = "/health/live"
    readiness_path: str = ""
    ready_within_s: Seconds = 20.0
    workers: Count = 2
    stores_as_the_contract: bool = True
    stores: Stores = DEFAULT_STORES
    """Those behind it; with a `url` alone none is known."""
    bounds: Bounds = Bounds()
    policy: Policy = Policy()
    statuses: Statuses = Statuses()
    has: Features = Features()
    semantics: Semantics = Semantics()
    wire: Wire = Wire()
    adapter: str = ""
    """A class of the user's own instead of `wire`: `mine.py:MyAdapter`."""
    adapter_options: Mapping[str, Any] = {}

    @property
    def able(self) -> Abilities:
        """What of a request can vary."""
        respelled = self.has.cursor_spellings and self.semantics.cursor == "timestamp"
        if self.adapter:
            return Abilities(spellings=(), names_sender=False, cursor_spellings=False)
        return abilities_of(self.wire, cursor_spellings=respelled)

    @property
    def knows_queues(self) -> bool:
        """Whether the harness can look at its queues in Redis."""
        return self.stores_as_the_contract and "redis" in self.stores

    @property
    def lacks(self) -> Mapping[str, str]:
        """Why a row that needs something is left out, by the keys that the plan's "Only where" can name.

        '' where the server has it.
        """
        said = {"stores_as_the_contract": self.stores_as_the_contract, **asdict(self.has)}
        why = {key: "" if has else f"the target's profile says {key} = false" for key, has in said.items()}
        lacks = lacks_of(self.wire, self.semantics, is_http=not self.adapter)
        words = [*self.command, *map(str, self.env.values())]
        return {**why, **lacks, **lacks_behind(self.stores, url=self.url, words=words)}

    def codec(self, *, is_broken: Callable[[], bool] = lambda: False) -> Codec:
        """Return how its requests are written and its answers read, for all its users."""
        semantics = self.semantics
        return Codec(
            self.wire,
            has_timestamp_cursor=semantics.cursor == "timestamp",
            newest_first=semantics.page_order == "newest_first",
            is_broken=is_broken,
        )

    def new_adapter(self, *, is_broken: Callable[[], bool] = lambda: False) -> NewAdapter:
        """Return what makes the adapter of each user in one run of the server.

        `is_broken` tells whether something is broken on purpose. Raise UsageError when the class that the
        profile names cannot be used.
        """
        if not self.adapter:
            return partial(HttpAdapter, codec=self.codec(is_broken=is_broken))
        own, options = adapter_class(self.adapter), self.adapter_options
        return lambda site, username, password: own(Site(site.urls, options), username, password)


def load_profile(name_or_path: str) -> Profile:
    """Return the profile of a bundled target by its name, or of any target by the path of its file.

    Raise UsageError when the file cannot be read or is wrong.
    """
    file = read_profile("target", name_or_path, TARGETS)
    table = file.filled(templates=TEMPLATES)
    if isinstance(table.get("adapter"), str):
        module, _, name = table["adapter"].rpartition(":")
        table["adapter"] = f"{file.path.parent / module}:{name}"
    try:
        profile = typed(table, Profile)
        if profile.url and "stores" not in table:
            profile = replace(profile, stores={})
        _require_known(profile.semantics)
        _require_one_way(profile)
        require_right(profile.stores)
    except ValueError as error:
        raise file.wrong(error) from error
    profile.new_adapter()  # raises where its class cannot be used
    return profile


def _require_known(semantics: Semantics) -> None:
    """Raise ValueError for a promise that no checker judges."""
    known = [promise.name for promise in PROMISES]
    for promise in semantics.promises if semantics.promises != ALL else ():
        if promise not in known:
            legal = ", ".join(known)
            raise ValueError(f"unknown promise {promise!r} at `semantics.promises`; legal are {legal}")


def _require_one_way(profile: Profile) -> None:
    """Raise ValueError unless there is either a command that starts the server, or its URL."""
    if profile.command and profile.url:
        raise ValueError("it has both `command` and `url`; a server that runs already has a `url` alone")
    if not profile.command and not profile.url:
        raise ValueError("missing required field `command`, or `url` for a server that runs already")
    if profile.url:
        _require_url(profile.url)


def _require_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name and a password belong in `wire.headers` or `wire.auth`, and not in `url`")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"expected http://HOST:PORT, got {url!r} at `url`")
    parts.port  # noqa: B018 - raises ValueError for a port that cannot be
