"""A real replica set of two: a primary, and a secondary that can be made to lag for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness.stack.probe import ask_mongodb
from harness.stack.programs import Mongod
from harness.stack.waiting import wait_until

STARTS_WITHIN_S = 30
APPLIES_NOTHING = "rsSyncApplyStop"
"""mongod's own fail point. A delayed member will not do: no driver is told of it, and reads from it."""


class Member(Mongod):
    """One mongod of the set; it is ready as soon as it answers, whatever it is."""

    def ready(self) -> bool:
        return bool(self.ask({"hello": 1}).get("ok"))

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """What it answers to a command on `admin`."""
        return ask_mongodb(self.address, command, timeout_s=20)

    def done(self, command: dict[str, Any]) -> dict[str, Any]:
        """The same, which must work."""
        answer = self.ask(command)
        assert answer.get("ok"), answer
        return answer

    def await_state(self, state: str) -> None:
        """Wait until it says of itself that it is one."""
        wait_until(lambda: self.ask({"hello": 1}).get(state), deadline_s=STARTS_WITHIN_S, what=state)

    @property
    def host(self) -> str:
        return "{}:{}".format(*self.address)


class ReplicaSet:
    """The secondary has no vote, so a majority is the primary alone: it may lag, and writes go on."""

    def __init__(self, binary: Path, folder: Path) -> None:
        options = ["--setParameter", "enableTestCommands=1"]
        self.primary, self.secondary = (
            Member(binary, folder=folder / name, log=folder / f"{name}.log", options=options)
            for name in ("primary", "secondary")
        )

    @property
    def url(self) -> str:
        """That of both members; drivers read from the secondary if they are asked to."""
        return self.named("rs0")

    def named(self, name: str) -> str:
        """The same, if the set had that name."""
        return f"mongodb://{self.primary.host},{self.secondary.host}/?replicaSet={name}"

    @property
    def at_secondary(self) -> str:
        """The URL of the secondary alone."""
        return f"mongodb://{self.secondary.host}/?directConnection=true"

    def begin(self) -> None:
        """Make the two a set, and wait until the secondary is one."""
        config = {
            "_id": "rs0",
            "members": [
                {"_id": 0, "host": self.primary.host},
                {"_id": 1, "host": self.secondary.host, "votes": 0, "priority": 0},
            ],
            "settings": {"electionTimeoutMillis": 1000},  # so long it waits before the first election, too
        }
        self.primary.done({"replSetInitiate": config})
        for member, state in ((self.primary, "isWritablePrimary"), (self.secondary, "secondary")):
            member.await_state(state)

    def lag(self) -> None:
        """From now on the secondary learns of nothing."""
        before = self.secondary.done({"configureFailPoint": APPLIES_NOTHING, "mode": "alwaysOn"})["count"]
        self.secondary.done(
            {"waitForFailPoint": APPLIES_NOTHING, "timesEntered": before + 1, "maxTimeMS": 15_000}
        )


@contextmanager
def replica_set(binary: Path, folder: Path) -> Iterator[ReplicaSet]:
    """A set that works; both processes are ended with the context."""
    both = ReplicaSet(binary, folder)
    with ExitStack() as ends:
        for member in (both.primary, both.secondary):
            ends.callback(member.kill)
            member.start()
        both.begin()
        yield both
