"""Repeated lines are logged at a limited rate, and every new line is logged."""

from __future__ import annotations

import io
import logging

import pytest

from reference_server import logs
from reference_server.log_rate import KINDS, PERIOD_S, TEXTS, LogThrottle


class Clock:
    """Seconds that only a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(clock: Clock, written: io.StringIO) -> logging.Logger:
    """A logger of its own, whose lines are `written`."""
    handler = logs.BoundedHandler(LogThrottle(clock))
    handler.setStream(written)
    handler.setFormatter(logs.LineFormatter())
    log = logging.Logger("a logger")
    log.addHandler(handler)
    return log


def texts(written: io.StringIO) -> list[str]:
    return [line.partition("] ")[2] for line in written.getvalue().splitlines() if "] " in line]


def test_a_failure_that_repeats_is_logged_once_and_its_number_a_minute_later(
    log: logging.Logger, clock: Clock, written: io.StringIO
) -> None:
    for _ in range(1000):
        log.error("Redis: %s", "gone")
        clock.now_s += 0.01
    assert texts(written) == ["Redis: gone"]
    clock.now_s = PERIOD_S
    log.info("Message sent")
    assert texts(written)[1:] == ["Redis: gone (one of 999 such lines that were not logged)", "Message sent"]


def test_hours_of_a_failure_are_two_lines_a_minute(
    log: logging.Logger, clock: Clock, written: io.StringIO
) -> None:
    for _ in range(60 * 60):
        log.error("Redis: %s", "gone")
        clock.now_s += 1.0
    assert len(texts(written)) <= 2 * 60


def test_another_reason_is_logged_at_once(log: logging.Logger, written: io.StringIO) -> None:
    for reason in ("refused", "silent", "refused", "silent"):
        log.error("Redis: %s", reason)
    assert texts(written) == ["Redis: refused", "Redis: silent"]


def test_reasons_that_are_never_the_same_are_bounded_too(log: logging.Logger, written: io.StringIO) -> None:
    for number in range(1000):
        log.warning("Message of user%d not stored", number)
    assert len(texts(written)) == TEXTS


def test_lines_that_never_have_the_same_source_are_bounded_too(
    log: logging.Logger, clock: Clock, written: io.StringIO
) -> None:
    for number in range(10 * KINDS):
        log.warning(f"made of {number}")
    assert len(texts(written)) == KINDS + TEXTS
    clock.now_s = PERIOD_S
    log.warning("the first of the next minute")
    assert texts(written)[-2:] == [
        f"made of {10 * KINDS - 1} (one of {9 * KINDS - TEXTS} such lines that were not logged)",
        "the first of the next minute",
    ]


def test_two_bugs_that_are_told_in_the_same_words_are_two(log: logging.Logger, written: io.StringIO) -> None:
    for bug in (KeyError("a"), KeyError("a"), ValueError("b")):
        log.error("Unexpected error", exc_info=bug)
    assert texts(written) == ["Unexpected error"] * 2


def test_what_is_no_failure_is_always_logged(log: logging.Logger, written: io.StringIO) -> None:
    for _ in range(100):
        log.info("Message sent")
    assert len(texts(written)) == 100


def test_a_summary_belongs_to_no_request(log: logging.Logger, clock: Clock, written: io.StringIO) -> None:
    for _ in range(2):
        log.error("gone")
    clock.now_s = PERIOD_S
    token = logs.request_id.set("request-7")
    try:
        log.info("mine")
    finally:
        logs.request_id.reset(token)
    of_summary, mine = written.getvalue().splitlines()[-2:]
    assert "[-] gone" in of_summary
    assert "[request-7] mine" in mine
