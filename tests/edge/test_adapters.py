"""Adapters, by profile and by class: the test kit says what is wrong with one; the server works."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters import Adapter, Failed, Refused, Site
from harness.adapters.named import adapter_class
from harness.adapters.testing import problems_of
from harness.stack.target_process import Target
from harness.targets.profile import load_profile

ROOT = Path(__file__).parents[2]
STRANGE = ROOT / "tests" / "strange_servers"
PROFILES = sorted(STRANGE.glob("*.toml"))
OwnAdapter = adapter_class(f"{STRANGE / 'own_adapter.py'}:OwnAdapter")


@contextlib.contextmanager
def serving(folder: Path, variation: str = "") -> Iterator[str]:
    command = [sys.executable, str(STRANGE / "server.py"), "{port}"]
    target = Target(
        command, ready_path="/", log=folder / "server.log", env={"VARIATION": variation}, cwd=ROOT
    )
    target.start()
    try:
        yield target.base_url
    finally:
        target.stop()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_the_adapter_of_each_profile_is_right(path: Path, tmp_path: Path) -> None:
    profile = load_profile(str(path))
    with serving(tmp_path, str(profile.env.get("VARIATION", ""))) as url:
        assert problems_of(profile.new_adapter(), Site([url])) == []


class NewestFirst(OwnAdapter):
    def poll(self, since, limit, wait_s):
        page = super().poll(since, limit, wait_s)
        return replace(page, messages=page.messages[::-1])


class ForgetsTheCursor(OwnAdapter):
    def poll(self, since, limit, wait_s):
        return replace(super().poll(since, limit, wait_s), next_since=None)


class IgnoresTheCursor(OwnAdapter):
    def poll(self, since, limit, wait_s):
        return super().poll(None, limit, wait_s)


class IgnoresTheLimit(OwnAdapter):
    def poll(self, since, limit, wait_s):
        return super().poll(since, None, wait_s)


class SwapsNames(OwnAdapter):
    def poll(self, since, limit, wait_s):
        page = super().poll(since, limit, wait_s)
        messages = [replace(each, sender=each.recipient, recipient=each.sender) for each in page.messages]
        return replace(page, messages=messages)


class TrimsContent(OwnAdapter):
    def send(self, recipient, content, client_message_id):
        return super().send(recipient, content.strip(), client_message_id)


class NumbersForIds(OwnAdapter):
    def send(self, recipient, content, client_message_id):
        return replace(super().send(recipient, content, client_message_id), id=5)


class SecondsForTimestamps(OwnAdapter):
    def poll(self, since, limit, wait_s):
        page = super().poll(since, limit, wait_s)
        return replace(page, messages=[replace(each, timestamp=str(time.time())) for each in page.messages])


class PlainAnswers(OwnAdapter):
    def poll(self, since, limit, wait_s):
        return {"messages": []}


class SwallowsErrors(OwnAdapter):
    def send(self, recipient, content, client_message_id):
        try:
            return super().send(recipient, content, client_message_id)
        except OSError:
            return None


class RefusesForTheServer(OwnAdapter):
    def send(self, recipient, content, client_message_id):
        try:
            return super().send(recipient, content, client_message_id)
        except OSError as error:
            raise Refused("the server is away") from error


class HasNoTimeOut(OwnAdapter):
    timeout_s = 0.2

    def send(self, recipient, content, client_message_id):
        self.timeout_s = 3.0
        try:
            return super().send(recipient, content, client_message_id)
        finally:
            self.timeout_s = 0.2


class RaisesAnything(OwnAdapter):
    def send(self, recipient, content, client_message_id):
        try:
            return super().send(recipient, content, client_message_id)
        except OSError:
            raise KeyError("id") from None


class LosesItsToken(OwnAdapter):
    def close(self):
        self.token = ""


class CannotRegister(OwnAdapter):
    def register(self):
        raise Failed("no idea how")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (NewestFirst, "the newest message first"),
        (ForgetsTheCursor, "has next_since=None"),
        (IgnoresTheCursor, "but nothing is new"),
        (IgnoresTheLimit, "poll with limit=2 returned 4 messages"),
        (SwapsNames, "was returned as one from"),
        (TrimsContent, "were sent"),
        (NumbersForIds, "the id of an Ack must be a string or None, but is 5"),
        (SecondsForTimestamps, "timestamp must be ISO 8601 or None"),
        (PlainAnswers, "poll must return a harness.adapters.Page, but returned {'messages': []}"),
        (SwallowsErrors, "must raise an OSError or harness.adapters.Failed, but returned"),
        (RefusesForTheServer, "raised that it was refused, but nothing is known of it"),
        (HasNoTimeOut, "send to a server that never answers took 3 s; timeout_s is 0.2"),
        (RaisesAnything, "raised KeyError: 'id'; it must be an OSError or Failed"),
        (LosesItsToken, "poll of a server that works raised Refused: sign in first"),
        (CannotRegister, "register of a server that works raised Failed: no idea how"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_is_wrong_with_an_adapter_is_said(broken: type[Adapter], said: str, url: str) -> None:
    problems = problems_of(broken, Site([url]))
    assert any(said in problem for problem in problems), problems
