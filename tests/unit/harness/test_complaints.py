"""Refused legal sends: a few are a complaint each, and a server that refuses every one serves no user."""

from __future__ import annotations

import io

import pytest

from harness.adapters import Ack, Manner, Result
from harness.history import Bounds, Outcome, Recorder
from harness.run.complaints import Complaints


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(io.BytesIO(), row="SIM-01", title="a row", seed=1, bounds=Bounds())


def complaints(recorder: Recorder) -> Complaints:
    return Complaints(recorder, slowed={429})


def record_sends(recorder: Recorder, *statuses: int | None) -> None:
    for op, status in enumerate(statuses):
        sent = {"sender": "alice", "recipient": "bob", "content": "hi", "intended": 0}
        recorder.record("send", op=op, client_message_id=None, **sent)
        recorder.record("sent", op=op, outcome="refused", status=status)


def test_a_server_that_refuses_every_message_serves_no_user(recorder: Recorder) -> None:
    record_sends(recorder, *[400, 422] * 5)
    assert complaints(recorder).all() == ["the server refused every send"]


@pytest.mark.parametrize("statuses", [[400] * 9, [400] * 10 + [503], [429] * 10, [400] * 10 + [None]])
def test_a_few_refusals_or_a_limit_are_not_enough_for_that(
    recorder: Recorder, statuses: list[int | None]
) -> None:
    record_sends(recorder, *statuses)
    assert complaints(recorder).all() == []


def test_a_refusal_is_reported_with_what_is_special_about_the_send(recorder: Recorder) -> None:
    noted = complaints(recorder)
    for status in (429, 400):
        refused = {"outcome": Outcome.REFUSED, "said": Ack(), "detail": "no"}
        answer = Result(status, {}, None, start_ns=0, end_ns=1, **refused)
        noted.note_refusal(Manner("hi", None, special=("a form",)), answer)
    assert noted.all() == ["a legal send was answered 400 (a form): no"]
