"""What a profile took from the environment is never written: not in a history, a report or an error."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from harness import secrecy
from harness.errors import UsageError
from harness.history import Bounds
from harness.history.recorder import Recorder
from harness.reports.files import write_atomically
from harness.secrecy import keep_secret, without_secrets

SECRET = 'pass "wörd" & <more>'


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "_NAMES", {})
    keep_secret(SECRET, "MY_KEY")
    keep_secret("1234567", "SHORT")
    keep_secret("", "EMPTY")


def test_a_secret_is_named_in_each_spelling() -> None:
    for spelled in (SECRET, json.dumps(SECRET)[1:-1], "pass &quot;wörd&quot; &amp; &lt;more&gt;"):
        assert without_secrets(f"a {spelled} b") == "a ${MY_KEY} b"


def test_what_is_too_short_for_a_secret_stays_as_it_is_found_in_numbers() -> None:
    assert without_secrets("t: 12345678") == "t: 12345678"


def test_the_longer_of_two_secrets_is_named() -> None:
    keep_secret(f"{SECRET} and more", "LONGER")
    assert without_secrets(f"{SECRET} and more, {SECRET}") == "${LONGER}, ${MY_KEY}"


def test_an_error_names_it() -> None:
    error = UsageError(f"It said {SECRET}.", last_lines=f"last {SECRET}")
    assert str(error) == "It said ${MY_KEY}.\nlast ${MY_KEY}"


def test_a_history_and_what_is_judged_name_it() -> None:
    file = io.BytesIO()
    recorder = Recorder(file, row="X-01", title="x", seed=1, bounds=Bounds())
    event = recorder.record("note", text=f"the server said {SECRET}", t=5)
    assert event["text"] == "the server said ${MY_KEY}"
    assert recorder.events[-1] == event
    assert json.loads(file.getvalue().splitlines()[-1]) == event


def test_a_report_names_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "report.json", json.dumps({"reason": SECRET}))
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == {"reason": "${MY_KEY}"}
