"""What a person tells of a server: a few questions with defaults, on a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from harness.authoring.drafting import Draft
from harness.errors import UsageError
from harness.targets.profile import Profile
from harness.typed import typed

URL = "http://127.0.0.1:8000"
COMMAND = "Which command starts it? {port} is where it must listen. Empty: it runs already"
QUESTIONS = {
    "ready_path": ("Which path answers 200 as soon as it serves?", "/"),
    "wire.prefix": ("What is in front of all paths, such as /v2?", ""),
    "wire.register.path": ("At which path are users created?", "/api/users/register"),
    "wire.sign_in.path": ("At which path do they sign in? Empty: nowhere", "/api/users/login"),
    "wire.auth": ("What shows who asks: bearer, basic, cookie, header or none?", "bearer"),
    "wire.send.path": ("At which path is a message sent?", "/api/users/messages"),
    "wire.poll.path": ("At which path is a mailbox polled?", "/api/users/messages/poll/{username}"),
    "wire.timestamps": ("How are timestamps written: text, epoch_s, epoch_ms or epoch_us?", "text"),
    "semantics.page_order": (
        "Which message of a page is first: oldest_first or newest_first?",
        "oldest_first",
    ),
    "semantics.cursor": (
        "What does the next poll name: timestamp, sequence, id, token, header or none?",
        "timestamp",
    ),
}
Ask = Callable[[str], str]
"""Asks a question and returns the answer. Raise EOFError where there is none."""


def draft_by_asking(ask: Ask, complain: Callable[[str], None], known: Draft) -> Draft:
    """Return a draft with what a person answers; an empty answer is the default."""
    values = known.values
    values.setdefault("name", _answer(ask, complain, "name", "What is the server called?", "mine"))
    if not values.get("command") and not values.get("url"):
        words = _words(ask, complain)
        if words:
            values["command"] = words
        else:
            values["url"] = _answer(ask, complain, "url", "At which URL does it serve?", URL)
    for key, (question, default) in QUESTIONS.items():
        values[key] = _answer(ask, complain, key, question, default)
    return known


def draft_by_default(known: Draft) -> Draft:
    """Return a draft with the defaults of all questions."""
    defaults = {key: default for key, (_, default) in QUESTIONS.items()}
    known.values = {**known.values, **{key: known.values.get(key, each) for key, each in defaults.items()}}
    return known


def _words(ask: Ask, complain: Callable[[str], None]) -> list[str]:
    while True:
        try:
            return shlex.split(ask(f"{COMMAND}: "))
        except ValueError as error:
            complain(f"This is not a command: {error}.")


def _answer(ask: Ask, complain: Callable[[str], None], key: str, question: str, default: str) -> str:
    """Ask until the answer is legal."""
    while True:
        answer = ask(f"{question} [{default}] ").strip() or default
        if not (wrong := wrong_with(key, answer)):
            return answer
        complain(f"{wrong}.")


def wrong_with(key: str, value: Any) -> str:
    """Return what is wrong with a value of a key, as a sentence without its end; '' if it is legal."""
    table: dict[str, Any] = {"name": "x"}
    *outer, last = key.split(".")
    inner = table
    for step in outer:
        inner = inner.setdefault(step, {})
    inner[last] = value
    try:
        typed(table, Profile)
    except ValueError as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}"
    return ""


def command_of(text: str | None) -> list[str]:
    """Return the words of a command on the command line. Raise UsageError when a quote is open."""
    try:
        return shlex.split(text or "")
    except ValueError as error:
        raise UsageError(f"The command {text!r} cannot be taken apart: {error}.") from error
