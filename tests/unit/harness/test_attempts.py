"""An attempt is recorded with what is right for it, and with what its answer gave away."""

from __future__ import annotations

import io
from typing import Any

from harness.adapters.wire import Wire
from harness.adapters.writing import Writer
from harness.client import Answer, Client
from harness.history import Bounds, History, Recorder
from harness.run.hostile.attempts import Intruder, shown


def recorder() -> Recorder:
    return Recorder(io.BytesIO(), row="ROW-01", title="a title", seed=1, bounds=Bounds())


def tried(answer: Answer, secrets: list[str]) -> Any:
    record = recorder()
    client = Client("http://127.0.0.1:1", "mallory", "")
    assert Intruder(client, record, secrets).tried("poll", answer, expected={403, 401}) is answer
    [attempt] = History.from_events(record.events).attempts
    return attempt


def test_it_says_who_tried_what_and_what_came_of_it() -> None:
    attempt = tried(Answer(403, {}, None, 1, 2, "{}"), [])
    assert (attempt.who, attempt.what, attempt.expected, attempt.status) == (
        "mallory",
        "poll",
        (401, 403),
        403,
    )
    assert (attempt.start_ns, attempt.end_ns, attempt.error) == (1, 2, None)


def test_secrets_are_looked_for_in_the_body_and_in_the_headers() -> None:
    answer = Answer(403, {}, None, 1, 2, '{"detail": "one"}', {"X-Trace": "two"})
    assert tried(answer, ["one", "two", "three"]).leaked == ("one", "two")


def test_no_answer_is_told_with_its_reason() -> None:
    attempt = tried(Answer(None, {}, "timeout", 1, 2), ["one"])
    assert (attempt.status, attempt.error, attempt.leaked) == (None, "timeout", ())


def test_a_name_cannot_leave_its_place_in_a_path() -> None:
    write = Writer(Wire()).request
    assert write("poll", {"username": "../a?b#c"}).path == "/api/users/messages/poll/..%2Fa%3Fb%23c"
    assert write("history", {"other": "a\r\nb"}).path == "/api/users/messages/conversation/a%0D%0Ab"


def test_what_is_shown_is_short_and_plain() -> None:
    assert shown("a\x1b\n\u202e") == r"'a\x1b\n\u202e'"
    assert len(shown("x" * 1000)) == 61
