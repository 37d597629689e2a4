"""A Redis in this process, with what fakeredis lacks: its process id, and being read-only."""

from __future__ import annotations

from typing import Any

import fakeredis
import redis
from fakeredis._commands import command
from fakeredis._socket._fakesocket import FakeSocket

_FIRST_RUN_ID = "a" * 40
_ARGUMENTS_OF_A_READ = 6
"""Of EVALSHA with read.lua: a push has more."""


def _info(self: FakeSocket, *sections: bytes) -> bytes:
    """`INFO server`, as far as the scripts read it; fakeredis has none."""
    return f"# Server\r\nrun_id:{getattr(self._server, 'run_id', _FIRST_RUN_ID)}\r\n".encode()


_info.__name__ = "info"
setattr(FakeSocket, "info", command((), (bytes,))(_info))  # noqa: B010 - the class does not declare it


class Server(fakeredis.FakeServer):
    """`run_id` changes with a restart; clients of ours do not reach one that is `down`."""

    run_id = _FIRST_RUN_ID
    is_down = False
    is_read_only = False


class Client(fakeredis.FakeRedis):
    """A client of `server` that its faults concern."""

    def __init__(self, server: Server) -> None:
        super().__init__(server=server, protocol=2)
        self._of = server

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self._of.is_down:
            raise redis.ConnectionError("Connection refused")
        name, *rest = args
        writes = name in ("SET", "DEL") or (name == "EVALSHA" and len(rest) > _ARGUMENTS_OF_A_READ)
        if self._of.is_read_only and writes:
            raise redis.ReadOnlyError("You can't write against a read only replica.")
        return super().execute_command(*args, **options)
