"""Scripts that wait while Redis is asked share the next round trip, and each has its own answer or error."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import fakeredis
import pytest
import redis

from harness.stack import wait_until
from reference_server.adapters import redis_round_trips
from reference_server.adapters.own_connection import OwnConnection
from reference_server.adapters.redis_round_trips import RoundTrips
from tests.unit.server.crowd import FIRST, Crowd

ECHO = "redis.call('INCR', KEYS[1]) return {KEYS[1], ARGV[1]}"
REFUSED = "return redis.error_reply('READONLY no')"


class Connection(OwnConnection):
    """Its first round trip waits until a test lets it."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self.may_answer = threading.Event()
        self.asked: list[list[str]] = []
        """The first key of each script of a round trip."""
        self.fails: dict[int, Exception] = {}
        """What a round trip raises, by its number from 1."""

    def run(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        self.asked.append([key for _, _, _, key, *_ in commands])
        if len(self.asked) == 1:
            assert self.may_answer.wait(30)
        if failure := self.fails.get(len(self.asked)):
            raise failure
        return super().run(commands)


class Scripts(Crowd):
    """Those who ask while a script is under way."""

    def __init__(self) -> None:
        self.client = fakeredis.FakeRedis(decode_responses=True)
        self.trips = RoundTrips(self.client)
        self.connection = self.trips._connection = Connection(self.client)
        super().__init__(self.trips._turns, redis.RedisError, self.connection.may_answer)
        self.ask(FIRST)
        wait_until(lambda: self.connection.asked == [[FIRST]], deadline_s=10, what="the first round trip")

    def ask(self, name: str, text: str = ECHO) -> None:
        script = self.client.register_script(text)
        self.begin(name, partial(self.trips.run, script, [name], [f"of {name}"]))

    def load(self, *texts: str) -> None:
        for text in texts:
            self.client.script_load(text)


@pytest.fixture
def crowd() -> Iterator[Scripts]:
    crowd = Scripts()
    yield crowd
    crowd.end()


def test_those_who_wait_share_a_round_trip(crowd: Scripts) -> None:
    """Redis knows none of their scripts, so each is loaded and run again: it must run once."""
    for name in ("a", "b", "c"):
        crowd.ask(name)
    assert crowd.end() == {name: [name, f"of {name}"] for name in (FIRST, "a", "b", "c")}
    assert crowd.connection.asked == [[FIRST], ["a", "b", "c"]]
    assert [crowd.client.get(name) for name in ("a", "b", "c")] == ["1", "1", "1"]


def test_known_scripts_are_not_run_again(crowd: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd.load(ECHO)
    crowd.ask("a")
    crowd.ask("b")
    monkeypatch.setattr(redis_round_trips, "_alone", lambda call: 1 / 0)
    assert crowd.end() == {name: [name, f"of {name}"] for name in (FIRST, "a", "b")}


def test_an_error_that_redis_answers_is_its_own(crowd: Scripts) -> None:
    crowd.load(ECHO, REFUSED)
    crowd.ask("a")
    crowd.ask("b", REFUSED)
    crowd.ask("c")
    outcomes = crowd.end_of_others()
    assert isinstance(outcomes.pop("b"), redis.ResponseError)
    assert outcomes == {"a": ["a", "of a"], "c": ["c", "of c"]}


def test_an_error_answered_to_one_alone_concerns_no_one_behind_it(crowd: Scripts) -> None:
    crowd.connection.fails[1] = redis.exceptions.ReadOnlyError("no")
    crowd.ask("a")
    outcomes = crowd.end()
    assert isinstance(outcomes[FIRST], redis.exceptions.ReadOnlyError)
    assert outcomes["a"] == ["a", "of a"]


@pytest.mark.parametrize("failure", [redis.TimeoutError("silence"), redis.ConnectionError("refused")])
def test_without_an_answer_all_who_wait_fail_together(crowd: Scripts, failure: Exception) -> None:
    """Otherwise those who wait would need two time limits."""
    crowd.connection.fails[1] = failure
    crowd.ask("a")
    crowd.ask("b")
    assert crowd.end() == dict.fromkeys((FIRST, "a", "b"), failure)
    assert not crowd.client.exists("a", "b")
    assert crowd.trips.run(crowd.client.register_script(ECHO), ["d"], ["later"]) == ["d", "later"]


def test_a_shared_round_trip_without_an_answer_fails_for_all_of_it(crowd: Scripts) -> None:
    crowd.connection.fails[2] = silence = redis.TimeoutError("silence")
    crowd.ask("a")
    crowd.ask("b")
    assert crowd.end() == {FIRST: [FIRST, "of first"], "a": silence, "b": silence}
