"""The pages of docs/reference/ are what the code makes of them."""

from __future__ import annotations

import re

import pytest

from documentation.reference import FOLDER, PAGES, path_of, rendered
from harness.checkers import PROMISES
from harness.checkers.clients.promises import CLIENT_PROMISES
from harness.history.effects import EFFECTS
from reference_server.config import SETTINGS


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes(name: str) -> None:
    path = path_of(name)
    assert path.is_file(), "run `python -m documentation`"
    assert path.read_text(encoding="utf-8") == rendered(name), "run `python -m documentation`"


def test_there_is_no_other_page() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PAGES)


def test_the_pages_name_what_they_are_about() -> None:
    for name, words in {
        "settings": [setting.name for setting in SETTINGS],
        "promises": [each.name for each in (*PROMISES, *CLIENT_PROMISES)],
        "faults": list(EFFECTS),
        "profile": ["command", "send.recipient", "next_since", "retained_messages", "upstream"],
        "client-profile": ["does_not_promise", "longest_back_off_s"],
        "results": ["suspected_cause", "latencies_s"],
        "http-api": [
            "POST /api/users/messages",
            "since",
            "invalid_timestamp",
            "content_too_long",
            "rate_limited",
        ],
        "metrics": ["chat_request_seconds", "chat_outbox_pending"],
    }.items():
        text = rendered(name)
        assert [word for word in words if f"`{word}`" not in text and f".{word}`" not in text] == [], name


def test_each_command_has_its_options_and_its_exit_codes() -> None:
    text, codes = rendered("cli"), rendered("exit-codes")
    commands = re.findall(r"^## ([a-z]+)$", text, re.MULTILINE)
    assert {"run", "try", "chaos", "compare", "doctor"} <= set(commands)
    for name in commands:
        assert f"python -m harness {name}" in text
        assert f"[`{name}`](cli.md#{name})" in codes
    assert "`--only ID`" in text


def test_the_page_that_explains_the_promises_has_each_of_them() -> None:
    page = (FOLDER.parent / "promises.md").read_text(encoding="utf-8")
    assert [promise.name for promise in PROMISES if f"`{promise.name}`" not in page] == []
