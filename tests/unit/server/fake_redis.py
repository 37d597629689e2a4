"""A Redis in this process, with what fakeredis lacks: its process id, and being read-only."""

from __future__ import annotations

from typing import Any

import fakeredis
import redis
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


class Client(fakeredis.FakeRedis):
    """A client of `server` that its faults concern."""

    def __init__(self, server: Server) -> None:
        super().__init__(server=server, protocol=2)
        self._of = server

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self._of.is_down:
            raise redis.ConnectionError("Connection refused")
        name, *rest = args
        writes = name == "DEL" or (name == "EVALSHA" and len(rest) != _ARGUMENTS_OF_A_READ)
        if self._of.is_read_only and writes:
            raise redis.ReadOnlyError("You can't write against a read only replica.")
        return super().execute_command(*args, **options)
