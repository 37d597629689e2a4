"""Scripts that wait while Redis is asked share the next round trip, and each has its own answer or error."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import fakeredis
import pytest
import redis

from reference_server.adapters import redis_round_trips
from reference_server.adapters.redis_round_trips import RoundTrips
from tests.unit.server.crowd import FIRST, Crowd

ECHO = "redis.call('INCR', KEYS[1]) return {KEYS[1], ARGV[1]}"
REFUSED = "return redis.error_reply('READONLY no')"


class Client(fakeredis.FakeRedis):
    """Counts the pipelines; `fails` is what the next one raises."""

    pipelines = 0
    fails: Exception | None = None

    def pipeline(self, *args: Any, **options: Any) -> Any:
        self.pipelines += 1
        if self.fails:
            raise self.fails
        return super().pipeline(*args, **options)


class Held:
    """A script that is not answered before a test lets it; `fails` is what it raises then."""

    sha = "0" * 40
    fails: Exception | None = None

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        self.has_begun.set()
        assert self.may_end.wait(30)
        if self.fails:
            raise self.fails
        return "held"


class Scripts(Crowd):
    """Those who ask while a held script is under way."""

    def __init__(self) -> None:
        self.client = Client(decode_responses=True)
        self.trips = RoundTrips(self.client)
        self.held = Held()
        super().__init__(self.trips._turns, redis.RedisError, self.held.may_end)
        self.ask(FIRST, self.held)
        assert self.held.has_begun.wait(30)

    def ask(self, name: str, script: Any) -> None:
        self.begin(name, partial(self.trips.run, script, [name], [f"of {name}"]))


@pytest.fixture
def crowd() -> Iterator[Scripts]:
    crowd = Scripts()
    yield crowd
    crowd.end()


def test_those_who_wait_share_a_round_trip(crowd: Scripts) -> None:
    """Redis knows none of their scripts, so each is loaded and run again: it must run once."""
    echo = crowd.client.register_script(ECHO)
    for name in ("a", "b", "c"):
        crowd.ask(name, echo)
    outcomes = crowd.end()
    assert outcomes == {"first": "held"} | {name: [name, f"of {name}"] for name in ("a", "b", "c")}
    assert crowd.client.pipelines == 1
    assert [crowd.client.get(name) for name in ("a", "b", "c")] == ["1", "1", "1"]


def test_known_scripts_are_not_run_again(crowd: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    echo = crowd.client.register_script(ECHO)
    crowd.client.script_load(ECHO)
    crowd.ask("a", echo)
    crowd.ask("b", echo)
    monkeypatch.setattr(redis_round_trips, "_alone", lambda call: "held" if call.keys == ["first"] else 1 / 0)
    assert crowd.end() == {"first": "held", "a": ["a", "of a"], "b": ["b", "of b"]}


def test_an_error_that_redis_answers_is_its_own(crowd: Scripts) -> None:
    for text in (ECHO, REFUSED):
        crowd.client.script_load(text)
    crowd.ask("a", crowd.client.register_script(ECHO))
    crowd.ask("b", crowd.client.register_script(REFUSED))
    crowd.ask("c", crowd.client.register_script(ECHO))
    outcomes = crowd.end()
    assert isinstance(outcomes.pop("b"), redis.ResponseError)
    assert outcomes == {"first": "held", "a": ["a", "of a"], "c": ["c", "of c"]}


def test_an_error_answered_to_one_alone_concerns_no_one_behind_it(crowd: Scripts) -> None:
    crowd.held.fails = redis.exceptions.ReadOnlyError("no")
    crowd.ask("a", crowd.client.register_script(ECHO))
    outcomes = crowd.end()
    assert isinstance(outcomes["first"], redis.exceptions.ReadOnlyError)
    assert outcomes["a"] == ["a", "of a"]


@pytest.mark.parametrize("failure", [redis.TimeoutError("silence"), redis.ConnectionError("refused")])
def test_without_an_answer_all_who_wait_fail_together(crowd: Scripts, failure: Exception) -> None:
    """Otherwise those who wait would need two time limits."""
    crowd.held.fails = failure
    echo = crowd.client.register_script(ECHO)
    crowd.ask("a", echo)
    crowd.ask("b", echo)
    assert crowd.end() == dict.fromkeys(("first", "a", "b"), failure)
    assert not crowd.client.exists("a", "b")
    assert crowd.trips.run(echo, ["d"], ["later"]) == ["d", "later"]


def test_a_shared_round_trip_without_an_answer_fails_for_all_of_it(crowd: Scripts) -> None:
    crowd.client.fails = redis.TimeoutError("silence")
    echo = crowd.client.register_script(ECHO)
    crowd.ask("a", echo)
    crowd.ask("b", echo)
    assert crowd.end() == {"first": "held", "a": crowd.client.fails, "b": crowd.client.fails}
