"""A Redis in memory that runs the server's own Lua scripts, with the faults of its data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import redis
from lupa import lua51

_LUA = lua51.LuaRuntime(encoding=None, unpack_returned_tuples=True)
_compiled: dict[str, Any] = {}


class RedisServer:
    """Its data: strings, lists and hashes by their keys. `notify` gets what is published."""

    def __init__(self, notify: Callable[[bytes, bytes], object]) -> None:
        self.data: dict[bytes, Any] = {}
        self.expiring: set[bytes] = set()
        self.run_id, self.replid = "run0", "term0"
        self.has_moved: Callable[[], object] = lambda: None
        self._notify = notify
        self._generation = 0
        self._replica: tuple[Any, ...] | None = None
        self._saved: tuple[dict[bytes, Any], set[bytes]] = ({}, set())
        self._redis = _LUA.table_from(
            {b"call": self._call, b"pcall": self._pcall, b"error_reply": lambda why: _table(err=why)}
        )

    # -- faults

    def save(self) -> None:
        """Save a snapshot."""
        self._saved = copy.deepcopy((self.data, self.expiring))

    def flush(self) -> None:
        """Lose the data, and be the same process."""
        self.data, self.expiring = {}, set()

    def restart(self) -> None:
        """Be another process, without data."""
        self._start({}, set())

    def restore(self) -> None:
        """Be another process, with the data of the snapshot."""
        self._start(*copy.deepcopy(self._saved))

    def _start(self, data: dict[bytes, Any], expiring: set[bytes]) -> None:
        self._generation += 1
        self.data, self.expiring = data, expiring
        self.run_id, self.replid = f"run{self._generation}", f"term{self._generation}"
        self.has_moved()

    def replicate(self) -> None:
        """Let the replica have what the primary has now."""
        self._generation += 1
        self._replica = (
            *copy.deepcopy((self.data, self.expiring)),
            f"run{self._generation}",
            f"term{self._generation}",
        )

    def promoted(self, notify: Callable[[bytes, bytes], object]) -> RedisServer:
        """Return the replica as a server of its own, while this one goes on."""
        assert self._replica is not None
        other = RedisServer(notify)
        other.data, other.expiring, other.run_id, other.replid = copy.deepcopy(self._replica)
        return other

    def switch(self) -> None:
        """The way leads to the replica, which was promoted, or back to the first one, which stood still."""
        assert self._replica is not None
        here = (self.data, self.expiring, self.run_id, self.replid)
        self.data, self.expiring, self.run_id, self.replid = self._replica
        self._replica = here
        self.has_moved()

    def fingerprint(self) -> int:
        """Return what its data are."""
        return hash(repr((sorted(self.data.items()), self.run_id, self.replid, self._replica)))

    # -- commands

    def eval(self, script: str, keys: list[bytes], arguments: list[bytes]) -> Any:
        """Run a script. Raise redis.ResponseError."""
        if script not in _compiled:
            _compiled[script] = _LUA.eval(f"function(KEYS, ARGV, redis) {script}\nend")
        reply = _compiled[script](_LUA.table_from(keys), _LUA.table_from(arguments), self._redis)
        return _python(reply)

    def run(self, name: str, *arguments: Any) -> Any:
        """Run a command. Raise redis.ResponseError."""
        return getattr(self, f"_{name.lower()}")(*map(_bytes, arguments))

    def _call(self, name: bytes, *arguments: Any) -> Any:
        return _lua(self.run(name.decode(), *arguments))

    def _pcall(self, name: bytes, *arguments: Any) -> Any:
        try:
            return self._call(name, *arguments)
        except redis.ResponseError as error:
            return _table(err=str(error).encode())

    def _of(self, key: bytes, kind: type) -> Any:
        value = self.data.get(key)
        if value is not None and not isinstance(value, kind):
            raise redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return value

    def _make(self, key: bytes, kind: type) -> Any:
        self._of(key, kind)
        return self.data.setdefault(key, kind())

    def _info(self, section: bytes) -> bytes:
        return f"run_id:{self.run_id}\r\nrole:master\r\nmaster_replid:{self.replid}\r\n".encode()

    def _type(self, key: bytes) -> dict[str, bytes]:
        names = {bytes: b"string", list: b"list", dict: b"hash", type(None): b"none"}
        return {"ok": names[type(self.data.get(key))]}

    def _del(self, *keys: bytes) -> int:
        self.expiring.difference_update(keys)
        return sum(self.data.pop(key, None) is not None for key in keys)

    def _get(self, key: bytes) -> bytes | None:
        found: bytes | None = self._of(key, bytes)
        return found

    def _set(self, key: bytes, value: bytes) -> None:
        self.data[key] = value
        self.expiring.discard(key)

    def _incr(self, key: bytes) -> int:
        self.data[key] = _bytes(int(self._of(key, bytes) or 0) + 1)
        return int(self.data[key])

    def _pexpire(self, key: bytes, ttl_ms: bytes) -> int:
        if key in self.data:
            self.expiring.add(key)
        return int(key in self.data)

    def _lpush(self, key: bytes, *entries: bytes) -> int:
        found: list[bytes] = self._make(key, list)
        found[:0] = entries[::-1]
        return len(found)

    def _ltrim(self, key: bytes, first: bytes, last: bytes) -> None:
        found = self._make(key, list)
        found[:] = _slice(found, int(first), int(last))
        if not found:
            self._del(key)

    def _llen(self, key: bytes) -> int:
        return len(self._of(key, list) or ())

    def _lindex(self, key: bytes, index: bytes) -> bytes | None:
        found = self._of(key, list) or []
        at = int(index)
        return found[at] if -len(found) <= at < len(found) else None

    def _lrange(self, key: bytes, first: bytes, last: bytes) -> list[bytes]:
        return _slice(self._of(key, list) or [], int(first), int(last))

    def _hset(self, key: bytes, *pairs: bytes) -> int:
        self._make(key, dict).update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(pairs) // 2

    def _hmget(self, key: bytes, *names: bytes) -> list[bytes | None]:
        found = self._of(key, dict) or {}
        return [found.get(name) for name in names]

    def _publish(self, channel: bytes, text: bytes) -> int:
        self._notify(channel, text)
        return 1

    _spublish = _publish


def _slice(found: list[bytes], first: int, last: int) -> list[bytes]:
    end = len(found) + last if last < 0 else last
    return found[first : end + 1]


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).encode()


def _table(**fields: Any) -> Any:
    return _LUA.table_from({name.encode(): value for name, value in fields.items()})


def _lua(value: Any) -> Any:
    """Return a reply as a script sees it: nothing is False."""
    if value is None:
        return False
    if isinstance(value, dict):
        return _table(**value)
    if isinstance(value, list):
        return _LUA.table_from([_lua(one) for one in value])
    return value


def _python(value: Any) -> Any:
    """Return a script's answer as the driver does. Raise redis.ResponseError."""
    if lua51.lua_type(value) != "table":
        return None if value is False else int(value) if isinstance(value, float) else value
    if value[b"err"] is not None:
        raise redis.ResponseError(value[b"err"].decode())
    if value[b"ok"] is not None:
        return value[b"ok"]
    return [_python(one) for one in value.values()]
