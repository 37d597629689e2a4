"""Any request at all is answered the same with and without the way in front of Flask."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from reference_server.blueprints.plain_requests import PlainRequests
from tests.unit.server.any_request import HI, SINCE, TOKENS, requests, sent, written
from tests.unit.server.from_wire import Answered, answered
from tests.unit.server.http_app import MESSAGES, Http
from tests.unit.server.world import World

COUNTED = re.compile(r"chat_(request_seconds_count|messages_\w+_total|store_seconds_count)")


class Lines(logging.Handler):
    """Keeps the lines that a server logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, str, bool]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage(), bool(record.exc_info)))


class Server:
    """A server in a world of its own. Without `plain`, Flask answers everything."""

    def __init__(self, *, plain: bool, **limits: str) -> None:
        self.world = World()
        self.world.notifier.is_stopping = True  # so no poll is held: none would notice a clock of a test
        with mock.patch("argon2.PasswordHasher.hash", return_value="hash"):  # the dearest of the start
            self.http = Http(self.world, TRUSTED_PROXIES="1", MESSAGE_LIMIT="100", **limits)
        frame: Any = self.http.client.application.wsgi_app
        assert isinstance(frame._app, PlainRequests)
        self.passed_on = 0
        flask = frame._app._app

        def count(*asked: Any) -> Any:
            self.passed_on += 1
            return flask(*asked)

        frame._app._app = count
        if not plain:
            frame._app = count

    def ask(self, pieces: Sequence[bytes], weather: str) -> tuple[Answered | None, Sequence[Any]]:
        """The answer, and the lines of the log."""
        log, lines = logging.getLogger("reference_server"), Lines()
        before, log.level = log.level, logging.DEBUG
        log.addHandler(lines)
        try:
            with self._in(weather):
                return answered(self.http, pieces), lines.lines
        finally:
            log.removeHandler(lines)
            log.level = before

    def counts(self) -> list[str]:
        """What was counted, without times."""
        return [line for line in self.http.get("/metrics").text.splitlines() if COUNTED.match(line)]

    @contextmanager
    def _in(self, weather: str) -> Iterator[None]:
        world = self.world
        world.store.down = weather == "no store"
        world.queue.down = weather == "no queue"
        world.store.answers_lost = weather == "answers lost"
        if weather == "bug":
            world.store.append = world.queue.read = lambda *_: 1 / 0
        yield
        for store, name in ((world.store, "append"), (world.queue, "read")):
            vars(store).pop(name, None)


weathers = st.one_of(*[st.just("fair")] * 4, st.sampled_from(["no store", "no queue", "answers lost", "bug"]))


@dataclass(frozen=True)
class Alike:
    """What both servers did; `passed_on` is how many requests reached Flask in spite of the short way."""

    answers: Sequence[Answered]
    passed_on: int
    stored: Sequence[tuple[Any, ...]]


def answer_alike(asked: Sequence[tuple[Sequence[bytes], str]], **limits: str) -> Alike:
    """Ask both servers, and show that they do the same."""
    short, long = Server(plain=True, **limits), Server(plain=False, **limits)
    answers = []
    for pieces, weather in asked:
        answer, lines = short.ask(pieces, weather)
        expected, expected_lines = long.ask(pieces, weather)
        assert answer == expected
        assert lines == expected_lines
        answers += [answer] if answer else []
    found = Alike(answers, short.passed_on, contents(short))
    assert long.passed_on == len(answers)
    assert short.counts() == long.counts()
    assert found.stored == contents(long)
    return found


def contents(server: Server) -> list[tuple[Any, ...]]:
    stored = server.world.store.messages
    return [(one.sender, one.recipient, one.seq, one.content, one.client_message_id) for one in stored]


@pytest.mark.timeout(300)  # it needs five seconds of a processor
@settings(max_examples=60)
@given(asked=st.lists(st.tuples(requests(), weathers), min_size=1, max_size=6))
@example(asked=[(sent(HI | {"client_message_id": "one"}), "fair")] * 2)
@example(asked=[(sent(HI | {"client_message_id": "one"}), "answers lost")] * 2)
@example(asked=[(sent(HI, Upgrade="websocket", Connection="Upgrade"), "fair")])
@example(asked=[(sent(HI, target=f"{MESSAGES}?wait=1"), "fair")])
def test_any_requests_are_answered_stored_counted_and_logged_alike(
    asked: list[tuple[list[bytes], str]],
) -> None:
    alike = answer_alike(asked)
    event("in front of Flask" if alike.passed_on < len(alike.answers) else "by Flask")
    for answer in alike.answers:
        event(answer.status)


@pytest.mark.parametrize("limit", ["SENDS_PER_SENDER", "SENDS_PER_ADDRESS"])
def test_so_are_sends_beyond_a_limit(limit: str) -> None:
    asked = [(sent(HI, X_Forwarded_For="1.2.3.4"), "fair")] * 3
    alike = answer_alike(asked, **{limit: "2"})
    assert [answer.status[:3] for answer in alike.answers] == ["200", "200", "429"]
    assert alike.passed_on == 0


PLAIN = {
    "as usual": sent(HI),
    "of every field": sent(HI | {"client_message_id": "one", "from_username": "alice"}),
    "with a charset": sent(HI, Content_Type="application/json; charset=utf-8"),
    "in capitals": sent(HI, Content_Type="Application/JSON;charset=UTF-8"),
    "told to go on": sent(HI, Expect="100-continue"),
    "from a browser": sent(
        HI, Cookie="a=b", Origin="http://chat", Accept_Encoding="gzip", Connection="keep-alive"
    ),
}


@pytest.mark.parametrize("pieces", PLAIN.values(), ids=PLAIN)
def test_a_plain_send_never_reaches_flask(pieces: list[bytes]) -> None:
    alike = answer_alike([(pieces, "fair")])
    [answer] = alike.answers
    assert (answer.status, alike.passed_on) == ("200 OK", 0)


@pytest.mark.parametrize("query", ["", "?limit=2", "?wait=25", "?wait=1&limit=100", f"?since={SINCE}&wait=9"])
def test_nor_does_a_plain_poll_whether_it_waits_or_not(query: str) -> None:
    headers = {"Host": "chat", "Authorization": f"Bearer {TOKENS['alice']}"}
    alike = answer_alike([([written("GET", f"{MESSAGES}/poll/alice{query}", headers)], "fair")])
    [answer] = alike.answers
    assert (answer.status, alike.passed_on) == ("200 OK", 0)


REFUSED = {
    "a field too few": ({"to_username": "bob"}, "400"),
    "of someone else": (HI | {"from_username": "bob"}, "403"),
    "to no one": (HI | {"to_username": "no-one"}, "404"),
    "not JSON": (b"{", "400"),
    "sent twice": (b'{"to_username": "bob", "content": "a", "content": "b"}', "400"),
    "not a number": (b'{"to_username": "bob", "content": "a", "x": NaN}', "400"),
    "half a pair": (b'{"to_username": "bob", "content": "\\ud800"}', "400"),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
def test_what_a_plain_send_says_is_refused_by_the_same_code(body: Any, status: str) -> None:
    alike = answer_alike([(sent(body), "fair")])
    [answer] = alike.answers
    assert (answer.status[:3], alike.passed_on) == (status, 0)


PASSED_ON = {
    "with a query": sent(HI, target=f"{MESSAGES}?x=1"),
    "to a host that is none": sent(HI, Host="a..b"),
    "that would upgrade": sent(HI, Upgrade="h2c"),
    "of a longer type": sent(HI, Content_Type="application/json; charset=latin-1"),
    "of a form": sent(b"to_username=bob&content=hi", Content_Type="application/x-www-form-urlencoded"),
    "by no one": sent(HI, Authorization="Bearer x"),
    "without a length": [written("POST", MESSAGES, {"Host": "chat", "Content-Type": "application/json"})],
    "of a large body": sent(HI | {"more": "x" * 100_000}),
}


@pytest.mark.parametrize("pieces", PASSED_ON.values(), ids=PASSED_ON)
def test_an_odd_one_is_passed_on_unread(pieces: list[bytes]) -> None:
    assert answer_alike([(pieces, "fair")]).passed_on == 1


@pytest.mark.parametrize("left_out", [1, 10])
def test_a_body_that_ends_too_soon_is_refused_and_its_connection_closed(left_out: int) -> None:
    [data] = sent(HI)
    alike = answer_alike([([data[:-20], data[-20:-left_out]], "fair")])
    [answer] = alike.answers
    assert (answer.status, answer.is_closed, alike.passed_on) == ("400 BAD REQUEST", True, 0)
    assert b"The body ended before it was complete." in answer.body


@pytest.mark.parametrize("size", [1, 7, 100])
def test_one_that_comes_in_pieces_is_whole(size: int) -> None:
    [data] = sent(HI | {"content": "hi" * 40})
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    alike = answer_alike([(pieces, "fair")])
    [answer] = alike.answers
    assert (answer.status, alike.passed_on) == ("200 OK", 0)
    assert alike.stored[0][3] == "hi" * 40


def test_what_follows_a_body_is_left_for_the_next_request() -> None:
    [data] = sent(HI)
    [answer] = answer_alike([([data + b"GET / HTTP/1.1\r\n"], "fair")]).answers
    assert answer.unread == b"GET / HTTP/1.1\r\n"
