"""Scripts that go to Redis together: those that come while an answer is awaited share the next round trip.

To a process the round trip (a write, a wait, a read) costs several times as much as what is specific to one
script. The scripts are independent: each has its own answer, or its own error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import redis

from reference_server.adapters.own_connection import OwnConnection
from reference_server.turns import Turns

_HERE = "redis"
_NO_ANSWER = (redis.ConnectionError, redis.TimeoutError)


class Script(Protocol):
    """A script as redis-py registers it."""

    sha: str

    def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run it, and load it first if Redis does not know it."""


@dataclass(frozen=True, slots=True)
class _Call:
    script: Script
    keys: Sequence[str]
    arguments: Sequence[Any]


class RoundTrips:
    """The round trips of one process to one Redis: one at a time, each with all scripts that wait.

    A round trip without an answer fails for all who wait behind it, too: if they tried after it, they would
    wait for two time limits.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._connection = OwnConnection(client)
        self._turns: Turns[_Call, Any] = Turns(self._run, everyones=_NO_ANSWER)

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Return what a script returns. Raise redis.RedisError."""
        return self._turns.take(_HERE, _Call(script, keys, arguments), None)

    def _run(self, _: str, calls: Sequence[_Call]) -> list[Any]:
        """Return for each the answer of Redis, or the error that it answers."""
        answers = self._connection.run(
            [("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.arguments) for call in calls]
        )
        return [
            _alone(call) if isinstance(answer, redis.exceptions.NoScriptError) else answer
            for call, answer in zip(calls, answers, strict=True)
        ]


def _alone(call: _Call) -> Any:
    """Return the answer of Redis, or the error that it answers. Raise one of _NO_ANSWER."""
    try:
        return call.script(keys=call.keys, args=call.arguments)
    except _NO_ANSWER:
        raise
    except redis.RedisError as error:
        return error
