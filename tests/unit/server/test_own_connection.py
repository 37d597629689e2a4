"""A connection that is kept: what happens to it between two round trips, and in the middle of one."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
import redis
from redis.sentinel import SentinelManagedConnection

from reference_server.adapters.own_connection import OwnConnection
from reference_server.adapters.redis_sentinel import _Pool

PING = [("PING",)]
WRONG = ("INCRBY", "key", "no number")


class Counted:
    """A client that counts the connections it has made, and those that were taken and not given back."""

    def __init__(self) -> None:
        self.client = fakeredis.FakeRedis()
        self.own = OwnConnection(self.client)
        self.pool: Any = self.client.connection_pool

    @property
    def made(self) -> int:
        return len(self.pool._available_connections) + self.taken

    @property
    def taken(self) -> int:
        return len(self.pool._in_use_connections)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_it_is_taken_once(counted: Counted) -> None:
    assert counted.taken == 0
    for _ in range(3):
        assert counted.own.run(PING) == [b"PONG"]
    assert (counted.made, counted.taken) == (1, 1)


def test_answers_are_in_order_and_an_error_is_one_of_them(counted: Counted) -> None:
    one, error, other = counted.own.run([("ECHO", "1"), WRONG, ("ECHO", "2")])
    assert (one, other) == (b"1", b"2")
    assert isinstance(error, redis.ResponseError)
    assert counted.own.run(PING) == [b"PONG"]
    assert counted.made == 1


def test_one_that_was_closed_meanwhile_is_replaced_unnoticed(counted: Counted) -> None:
    """Redis closes those that are idle for long, and all of them when it restarts."""
    counted.own.run(PING)
    counted.own._connection.disconnect()
    assert counted.own.run(PING) == [b"PONG"]
    assert counted.taken == 1


def test_one_on_which_something_waits_is_not_used_again(counted: Counted) -> None:
    """The answer to another command would be taken for this one's."""
    counted.own.run(PING)
    counted.own._connection.send_command("ECHO", "stray")
    assert counted.own.run(PING) == [b"PONG"]


@pytest.mark.parametrize("error", [redis.TimeoutError("silence"), KeyboardInterrupt()])
def test_what_is_not_answered_to_the_end_is_given_up(
    counted: Counted, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def break_off() -> None:
        raise error

    counted.own.run(PING)
    monkeypatch.setattr(counted.own._connection, "read_response", break_off)
    with pytest.raises(type(error)):
        counted.own.run([("ECHO", "1"), ("ECHO", "2")])
    assert counted.taken == 0
    monkeypatch.undo()
    assert counted.own.run(PING) == [b"PONG"]


class ToThePrimary(SentinelManagedConnection):
    """Answers each command with where it leads."""

    is_open = False

    def connect_to(self, address: tuple[str, int]) -> None:
        self.host, self.port = address
        self.is_open = True

    def _connect_retry(self) -> None:
        if not self.is_open:
            super()._connect_retry()

    def disconnect(self, *args: Any, **options: Any) -> None:
        self.is_open = False

    def can_read(self, timeout: float = 0) -> bool:
        return False

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        assert self.is_open

    def read_response(self, *args: Any, **options: Any) -> Any:
        return self.host, self.port


class Primary:
    """What sentinels say."""

    def __init__(self) -> None:
        self.address = ("127.0.0.1", 1)

    def discover_master(self, service: str) -> tuple[str, int]:
        return self.address


def test_a_connection_to_a_former_primary_is_not_used_again() -> None:
    primary = Primary()
    pool = _Pool("chat", primary, connection_class=ToThePrimary)
    own = OwnConnection(redis.Redis(connection_pool=pool))
    assert own.run(PING) == [("127.0.0.1", 1)]
    first = own._connection
    primary.address = ("127.0.0.1", 2)
    assert own.run(PING) == [("127.0.0.1", 2)]
    assert own.run(PING) == [("127.0.0.1", 2)]
    assert not first.is_open
