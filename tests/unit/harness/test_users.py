"""How patient the users of a scenario are before its story begins."""

from __future__ import annotations

import pytest

from harness.client import Answer, patiently


def _answer(status: int | None) -> Answer:
    return Answer(status, {}, None, start_ns=0, end_ns=1)


def test_who_is_told_to_come_back_does() -> None:
    answers = iter([_answer(503), _answer(503), _answer(201), _answer(500)])
    assert patiently(lambda: next(answers), pause_s=0).status == 201


@pytest.mark.parametrize("status", [200, 400, 401, 409, 429, 500, None])
def test_any_other_answer_is_taken_as_it_is(status: int | None) -> None:
    answers = iter([_answer(status)])
    assert patiently(lambda: next(answers), pause_s=0).status == status


def test_nobody_comes_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.client.client.PATIENCE_S", 0.0)
    assert patiently(lambda: _answer(503), pause_s=0).status == 503
