"""Which kinds of faults are asked for, and which of them are possible with this target on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from harness.chaos.catalog import ChaosFault, Need
from harness.errors import NotHere, UsageError
from harness.plan import hint
from harness.stack import Found, faketime_library, require_disks
from harness.targets.behind import lacks_behind
from harness.targets.profile import Profile

_BEHIND = {"server": "command", "clock": "command"}
"""What faults of these need; faults of a store need the store."""


def chosen(kinds: Sequence[ChaosFault], patterns: Sequence[str]) -> list[ChaosFault]:
    """Return the kinds whose store or whole name matches any of the patterns; all of them without patterns.

    A kind on request is returned only for its own name. Raise UsageError for a pattern that matches none.
    """
    for pattern in patterns:
        if not any(_is_asked_for(kind, [pattern]) for kind in kinds):
            names = [*dict.fromkeys(kind.store for kind in kinds), *(kind.full_name for kind in kinds)]
            known = hint(names, pattern) or f" Known are {', '.join(names)}."
            raise UsageError(f"'{pattern}' is neither a store nor a fault.{known}")
    return [kind for kind in kinds if _is_asked_for(kind, patterns)]


def possible(
    kinds: Sequence[ChaosFault], profile: Profile, services: Mapping[str, Found]
) -> tuple[list[ChaosFault], dict[str, list[ChaosFault]]]:
    """Return the possible kinds, and the others by the reason why not. Raise UsageError if there are none."""
    lacking = _lacking(profile, services)
    if any(Need.CLOCKS in kind.needs for kind in kinds) and (reason := _missing(faketime_library)):
        lacking[Need.CLOCKS] = reason
    if any(Need.DISKS in kind.needs for kind in kinds) and (reason := _missing(require_disks)):
        lacking[Need.DISKS] = reason
    behind = lacks_behind(profile.stores, url=profile.url)
    can: list[ChaosFault] = []
    left_out: dict[str, list[ChaosFault]] = {}
    for kind in kinds:
        missing = next((lacking[need] for need in Need if need in kind.needs and need in lacking), "")
        if reason := behind.get(_BEHIND.get(kind.store, kind.store), "") or missing:
            left_out.setdefault(reason, []).append(kind)
        else:
            can.append(_apart(kind, profile))
    if not can:
        raise UsageError(f"None of the requested faults is possible: {'; '.join(left_out)}.")
    return can, left_out


def _is_asked_for(kind: ChaosFault, patterns: Sequence[str]) -> bool:
    if kind.on_request:
        return kind.full_name.casefold() in map(str.casefold, patterns)
    return not patterns or any(_matches(kind, pattern) for pattern in patterns)


def _matches(kind: ChaosFault, pattern: str) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for name in (kind.store, kind.full_name))


def _lacking(profile: Profile, services: Mapping[str, Found]) -> dict[Need, str]:
    """Return the missing needs, each with a reason that can follow a colon."""
    lacking: dict[Need, str] = {}
    if "redis" in services and services["redis"].url is not None:
        lacking[Need.OWN_REDIS] = "the Redis of REDIS_URL must not be broken"
    if "mongod" in services and services["mongod"].url is not None:
        lacking[Need.OWN_MONGODB] = "the MongoDB of MONGODB_URL must not be broken"
    if not profile.knows_queues:
        lacking[Need.QUEUES] = "the target's profile says stores_as_the_contract = false"
    if not profile.has.hang_up:
        lacking[Need.HANG_UP] = "the target's profile says hang_up = false"
    return lacking


def _missing(require: Callable[[], object]) -> str:
    """Return why something is not here; '' if it is."""
    try:
        require()
    except NotHere as error:
        return str(error).removesuffix(".")
    return ""


def _apart(kind: ChaosFault, profile: Profile) -> ChaosFault:
    """Keep faults of clocks apart from Redis's if polls need Redis: a clock is read from a poll's answer."""
    if Need.CLOCKS in kind.needs and profile.policy.polls_without_redis == "unavailable":
        return replace(kind, apart_from=kind.apart_from | {"redis"})
    return kind
