"""One event is one line with the request's id, whatever the user input contains."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from reference_server import logs


@pytest.fixture
def formatter() -> logs.LineFormatter:
    return logs.LineFormatter()


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("name", logging.INFO, __file__, 1, message, args, exc_info)
    made.created = 1_767_268_800.0
    return made


def test_a_line_has_time_level_request_id_and_message(formatter: logs.LineFormatter) -> None:
    token = logs.request_id.set("request-7")
    try:
        line = formatter.format(record("Message sent from '%s' to '%s' (MongoDB only)", "alice", "bob"))
    finally:
        logs.request_id.reset(token)
    assert line == "2026-01-01T12:00:00Z INFO [request-7] Message sent from 'alice' to 'bob' (MongoDB only)"


def test_outside_a_request_the_id_is_a_dash(formatter: logs.LineFormatter) -> None:
    assert " [-] " in formatter.format(record("Listening"))


@pytest.mark.parametrize(
    "separator", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"]
)
def test_nothing_typed_starts_a_new_line(formatter: logs.LineFormatter, separator: str) -> None:
    typed = f"eve{separator}2026-01-01T12:00:00Z INFO [-] all is well"
    line = formatter.format(record("Sign-in as '%s' refused", typed))
    assert len(line.splitlines()) == 1
    assert "\\x" in line or "\\u" in line


def test_no_terminal_is_painted_and_no_direction_turned(formatter: logs.LineFormatter) -> None:
    line = formatter.format(record("%s", "\x1b[31m red \u202e turned"))
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_pictures_and_letters_stay(formatter: logs.LineFormatter) -> None:
    assert formatter.format(record("📬 Polling: '%s'", "Jürgen")).endswith("📬 Polling: 'Jürgen'")


def test_a_trace_is_indented_so_that_it_cannot_look_like_a_line(formatter: logs.LineFormatter) -> None:
    try:
        raise ValueError("typed\n2026-01-01T12:00:00Z INFO [-] all is well")
    except ValueError as error:
        lines = formatter.format(record("Unexpected error", error=error)).splitlines()
    assert lines[0].endswith("Unexpected error")
    assert len(lines) > 3
    assert all(line.startswith("    | ") for line in lines[1:])


def json_line(message: str, *args: object, error: BaseException | None = None) -> tuple[str, dict[str, str]]:
    line = logs.JsonFormatter().format(record(message, *args, error=error))
    return line, json.loads(line)


def test_a_json_line_has_the_same_in_fields() -> None:
    token = logs.request_id.set("request-7")
    try:
        _, fields = json_line("Message sent from '%s' to '%s' (MongoDB only)", "alice", "bob")
    finally:
        logs.request_id.reset(token)
    assert fields == {
        "time": "2026-01-01T12:00:00Z",
        "level": "INFO",
        "logger": "name",
        "request_id": "request-7",
        "message": "Message sent from 'alice' to 'bob' (MongoDB only)",
    }


@pytest.mark.parametrize("typed", ['"}\n{"level": "INFO"', "\x85 \u2028 \x1b[31m \u202e \x00", "Jürgen 📬"])
def test_a_json_line_is_one_line_and_decodes_to_what_was_typed(typed: str) -> None:
    line, fields = json_line("%s", typed)
    assert fields["message"] == typed
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_a_json_line_carries_its_trace() -> None:
    try:
        raise ValueError("typed\nlines")
    except ValueError as error:
        line, fields = json_line("Unexpected error", error=error)
    assert len(line.splitlines()) == 1
    assert fields["trace"].startswith("Traceback")
    assert fields["trace"].endswith("ValueError: typed\nlines")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, which is afterwards as it was."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logging.captureWarnings(False)


def test_configuring_twice_does_not_double_the_lines(root: logging.Logger) -> None:
    logs.configure("WARNING", "text")
    logs.configure("INFO", "json")
    assert len(root.handlers) == 1
    assert root.level == logging.INFO
    assert isinstance(root.handlers[0], logging.StreamHandler)
    assert root.handlers[0].stream is sys.stderr


@pytest.mark.parametrize("typed", ["📬 Jürgen", "not UTF-8: \udc80"])
@pytest.mark.parametrize("errors", ["strict", "backslashreplace"])
def test_lines_are_utf_8_also_where_the_locale_says_ascii(
    root: logging.Logger, monkeypatch: pytest.MonkeyPatch, typed: str, errors: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii", errors=errors))
    logs.configure("INFO", "json")
    root.info("%s", typed)
    sys.stderr.flush()
    assert json.loads(raw.getvalue().decode("utf-8"))["message"] == typed
