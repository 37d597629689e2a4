"""A Redis in this process, with what fakeredis lacks: its process id, and being read-only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import fakeredis
import redis
from fakeredis import FakeRedisConnection
from fakeredis._commands import command
from fakeredis._socket._fakesocket import FakeSocket

_FIRST_RUN_ID, _FIRST_REPLID = "a" * 40, "1" * 40
_ARGUMENTS_OF_A_READ = 9
"""Of EVALSHA with read.lua: a push has more, and a probe has fewer."""


def _info(self: FakeSocket, *sections: bytes) -> bytes:
    """`INFO` of a section, as far as the scripts read it; fakeredis has none."""
    of = self._server
    run_id, replid = getattr(of, "run_id", _FIRST_RUN_ID), getattr(of, "replid", _FIRST_REPLID)
    role = "slave" if getattr(of, "is_replica", False) else "master"
    lines = {b"server": f"run_id:{run_id}", b"replication": f"role:{role}\r\nmaster_replid:{replid}"}
    return "".join(f"# {section.decode()}\r\n{lines[section]}\r\n" for section in sections).encode()


_info.__name__ = "info"
setattr(FakeSocket, "info", command((), (bytes,))(_info))  # noqa: B010 - the class does not declare it


class Server(fakeredis.FakeServer):
    """`run_id` changes with a restart, `replid` with a promotion; one that `is_down` cannot be reached.

    One that `is_replica` says so, and can be written all the same, as some replicas can.
    """

    run_id = _FIRST_RUN_ID
    replid = _FIRST_REPLID
    is_down = False
    is_read_only = False
    is_replica = False


class _Connection(FakeRedisConnection):
    """Asks its client about each command: it may not be sent, or be answered with an error."""

    def __init__(self, *args: Any, check: Callable[..., None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._check = check
        self._answers: deque[redis.ResponseError | None] = deque()
        """For each command that is not answered yet, the error that is its answer; None if it was sent."""

    def send_command(self, *args: Any, **options: Any) -> None:
        if self._is_sent(args):
            super().send_command(*args, **options)

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]:
        return super().pack_commands([command for command in commands if self._is_sent(command)])

    def read_response(self, *args: Any, **options: Any) -> Any:
        if self._answers and (error := self._answers.popleft()):
            raise error
        return super().read_response(*args, **options)

    def disconnect(self, *args: Any, **options: Any) -> None:
        self._answers.clear()
        super().disconnect(*args, **options)

    def _is_sent(self, command: Sequence[Any]) -> bool:
        error = None
        try:
            self._check(*command)
        except redis.ResponseError as answer:
            error = answer
        self._answers.append(error)
        return error is None


class Client(fakeredis.FakeRedis):
    """A client of `server` that its faults concern."""

    def __init__(self, server: Server) -> None:
        super().__init__(server=server, protocol=2, connection_class=_Connection)
        self.connection_pool.connection_kwargs["check"] = self.check
        self._of = server

    def check(self, name: str, *rest: Any) -> None:
        """Raise what becomes of a command, if it is not answered as usual."""
        if self._of.is_down:
            raise redis.ConnectionError("Connection refused")
        writes = name == "DEL" or (name == "EVALSHA" and len(rest) != _ARGUMENTS_OF_A_READ)
        if self._of.is_read_only and writes:
            raise redis.ReadOnlyError("You can't write against a read only replica.")
