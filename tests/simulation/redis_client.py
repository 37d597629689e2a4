"""A client of the Redis in memory: what the server uses of redis-py, and what mutants use."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import redis

from tests.simulation.hub import GO, Event, Hub
from tests.simulation.network import Errors, Network
from tests.simulation.redis_server import RedisServer

LOST = "is lost"
"""A notice that never arrives."""
ERRORS = Errors(
    refused=lambda: redis.ConnectionError("Connection refused"),
    silent=lambda: redis.TimeoutError("Timeout reading"),
)
_READS = {"hmget", "lrange"}


class RedisClient:
    """One process's client. Each call goes over the network."""

    def __init__(self, hub: Hub, network: Network, server: RedisServer, inbox: Inbox) -> None:
        self._hub, self._network, self._inbox = hub, network, inbox
        self.server = server

    def move(self, server: RedisServer) -> None:
        """Use another server from the next call on; its notices must be asked for."""
        self.server = server
        self._inbox.break_off()

    def notice(self, server: RedisServer, text: bytes) -> None:
        """Take a notice that a server publishes, if it is the one in use."""
        if server is self.server:
            self._inbox.arrive(text)

    def register_script(self, text: str) -> Callable[..., Any]:
        """Return a function that runs a script."""
        name = _name_of(text)

        def run(keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
            return self._eval(name, text, [*keys], [*args])

        run.sha = text  # type: ignore[attr-defined]  # as redis-py's scripts have one
        return run

    @property
    def connection_pool(self) -> RedisClient:
        """It is its own pool."""
        return self

    def get_connection(self) -> Connection:
        """Return a connection."""
        return Connection(self)

    def owns_connection(self, connection: Connection) -> bool:
        """Return that it leads to the server in use, as all do."""
        return True

    def release(self, connection: Connection) -> None:
        """Nothing is left of it."""

    def evalsha(self, text: str, count: int, *values: Any) -> Any:
        """Run a script that was registered."""
        return self._eval(_name_of(text), text, [*values[:count]], [*values[count:]])

    def eval(self, text: str, count: int, *values: Any) -> Any:
        """Run a script once."""
        return self._eval("script", text, [*values[:count]], [*values[count:]])

    def _eval(self, name: str, text: str, keys: list[Any], arguments: list[Any]) -> Any:
        as_bytes = [_encoded(one) for one in keys], [_encoded(one) for one in arguments]
        return self._network.call(
            f"{name} {keys[0]}",
            lambda: self.server.eval(text, *as_bytes),
            writes=name not in ("read", "probe"),
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the function of any other command."""
        command = {"delete": "del"}.get(name, name)

        def run(*arguments: Any) -> Any:
            values = [_encoded(one) for one in arguments]
            what = f"{name} {arguments[0] if arguments else ''}"
            return self._network.call(
                what, lambda: self.server.run(command, *values), writes=name not in _READS
            )

        return run

    def pubsub(self, **options: Any) -> Inbox:
        """Return this process's subscription."""
        return self._inbox


class Connection:
    """Scripts that go together. Others' commands come between them."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._unanswered: list[Sequence[Any]] = []

    def can_read(self) -> bool:
        """Return that no answer is left unread: who did not read all disconnects."""
        return bool(self._unanswered)

    def pack_commands(self, commands: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return what is to be sent."""
        return commands

    def send_packed_command(self, commands: Sequence[Sequence[Any]]) -> None:
        """Send scripts."""
        self._unanswered += commands

    def read_response(self) -> Any:
        """Run the next script, and return its answer. Raise its error, or what a network raises."""
        _, *values = self._unanswered.pop(0)
        return self._client.evalsha(*values)

    def disconnect(self) -> None:
        """Lose what was not answered yet."""
        self._unanswered.clear()


class Inbox:
    """The notices on their way to one process. `may_lose`: any of them may be lost."""

    def __init__(self, hub: Hub, network: Network, *, may_lose: bool) -> None:
        self._hub, self._network = hub, network
        self._hows = (GO, LOST) if may_lose else (GO,)
        self._texts: list[bytes] = []
        self._state = "closed"
        self._something = Event(hub)
        self.connection = SimpleNamespace(_sock=None)

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether notices arrive."""
        return self._state == "open"

    def close(self) -> None:
        """Let nothing arrive any more."""
        self._state = "closed"
        self._texts.clear()

    def subscribe(self, *channels: str) -> None:
        """Let notices arrive from now on."""
        self._network.call("subscribe", self._subscribed, writes=False)

    ssubscribe = subscribe

    def _subscribed(self) -> None:
        self._state = "new"
        self._something.set()

    def arrive(self, text: bytes) -> None:
        """Take a notice that was published."""
        if self._state in ("new", "open"):
            self._texts.append(text)
            self._something.set()

    def break_off(self) -> None:
        """Lose the connection, with what was on its way."""
        self._texts.clear()
        if self._state != "closed":
            self._state = "broken"
        self._something.set()

    def get_message(self, timeout: float = 0.0, **options: Any) -> dict[str, Any] | None:
        """Return the next notice. Wait for it without end: nothing happens on a timeout."""
        if not (self._texts or self._state != "open"):
            self._something.clear()
            self._something.wait()
        if self._state == "broken":
            raise redis.ConnectionError("Connection closed by server.")
        if self._state == "new":
            self._state = "open"
            return {"type": "subscribe"}
        if self._hub.actor.pause(self._hows) == LOST:
            if self._texts:
                self._hub.note(f"notice {self._texts.pop(0).decode()} ✗ is lost")
            return None
        if self._state != "open" or not self._texts:
            return None
        text = self._texts.pop(0)
        self._hub.note(f"notice {text.decode()}")
        self._hub.actor.learn(text)
        return {"type": "message", "data": text}

    def fingerprint(self) -> int:
        """Return what is on its way."""
        return hash((self._state, tuple(self._texts)))


@functools.cache
def _name_of(text: str) -> str:
    """Return the name of a script of the server, by its comment."""
    names = {"Adds a contiguous batch": "push", "Reads one page": "read", "Tries every command": "probe"}
    found = re.search("|".join(names), text)
    return names[found[0]] if found else "script"


def _encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
