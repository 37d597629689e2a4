"""Adapters, by profile and by class: the test kit says what is wrong with one; the server works."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.adapters import Adapter, Failed, Refused, Site
from harness.adapters.named import adapter_class
from harness.adapters.over_http import HttpAdapter
from harness.adapters.testing import problems_of
from harness.stack.target_process import Target
from harness.targets.profile import Profile, load_profile

ROOT = Path(__file__).parents[2]
STRANGE = ROOT / "tests" / "strange_servers"
PROFILES = sorted(STRANGE.glob("*.toml"))
AT_ONCE = 24
OwnAdapter = adapter_class(f"{STRANGE / 'own_adapter.py'}:OwnAdapter")


@contextlib.contextmanager
def serving(folder: Path, **env: str) -> Iterator[str]:
    command = [sys.executable, str(STRANGE / "server.py"), "{port}"]
    target = Target(command, ready_path="/", log=folder / "server.log", env=env, cwd=ROOT)
    target.start()
    try:
        yield target.base_url
    finally:
        target.stop()


def problems_at_once(asked: Mapping[Any, Callable[[], list[str]]]) -> dict[Any, list[str]]:
    """What is wrong with each adapter. The kit waits for time-outs, so all of them are tried side by side."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(asked, pool.map(lambda ask: ask(), asked.values()), strict=True))


def problems_of_profile(profile: Profile, folder: Path) -> list[str]:
    users = [(user.username, str(user.password)) for user in profile.wire.user_list[:2]]
    with serving(folder, **{name: str(value) for name, value in profile.env.items()}) as url:
        known: dict[str, Any] = {"users": users, "semantics": profile.semantics}
        return problems_of(profile.new_adapter(), Site([url]), **known)


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[str]]:
    profiles = {path: load_profile(str(path)) for path in PROFILES}  # msgspec does not like threads there
    folder = tmp_path_factory.mktemp
    ask = {
        path: partial(problems_of_profile, profile, folder(path.stem)) for path, profile in profiles.items()
    }
    return problems_at_once(ask)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_the_adapter_of_each_profile_is_right(path: Path, problems: dict[Path, list[str]]) -> None:
    assert problems[path] == []


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


class NeverGivesReceiptsBack(HttpAdapter):
    def poll(self, since, limit, wait_s):
        return super().poll(None, limit, wait_s)


class KeepsReceipts(HttpAdapter):
    def poll(self, since, limit, wait_s):
        return replace(super().poll(since, limit, wait_s), next_since=None)


class IgnoresTheLimitOfAQueue(HttpAdapter):
    def poll(self, since, limit, wait_s):
        return super().poll(since, None, wait_s)


class ReadsUnseen(HttpAdapter):
    """Its first poll after a sign-in takes messages, and returns none of them."""

    def poll(self, since, limit, wait_s):
        page = super().poll(since, limit, wait_s)
        return page if since else replace(page, messages=page.messages[1:])


class NewestFirstOfAQueue(HttpAdapter):
    def poll(self, since, limit, wait_s):
        page = super().poll(since, limit, wait_s)
        return replace(page, messages=page.messages[::-1])


BROKEN = {
    NewestFirst: "the newest message first",
    ForgetsTheCursor: "has next_since=None",
    IgnoresTheCursor: "but nothing is new",
    IgnoresTheLimit: "poll with limit=2 returned 4 messages",
    SwapsNames: "was returned as one from",
    TrimsContent: "were sent",
    NumbersForIds: "the id of an Ack must be a string or None, but is 5",
    SecondsForTimestamps: "timestamp must be ISO 8601 or None",
    PlainAnswers: "poll must return a harness.adapters.Page, but returned {'messages': []}",
    SwallowsErrors: "must raise an OSError or harness.adapters.Failed, but returned",
    RefusesForTheServer: "raised that it was refused, but nothing is known of it",
    HasNoTimeOut: "send to a server that never answers took 3 s; timeout_s is 0.2",
    RaisesAnything: "raised KeyError: 'id'; it must be an OSError or Failed",
    LosesItsToken: "poll of a server that works raised Refused: sign in first",
    CannotRegister: "register of a server that works raised Failed: no idea how",
}
BROKEN_WHERE_READING_DELETES = {
    NeverGivesReceiptsBack: "again, though its receipt had been given back",
    KeepsReceipts: "has next_since=None, so no poll can give their receipt back",
    IgnoresTheLimitOfAQueue: "poll with limit=2 returned 3 messages",
    ReadsUnseen: "but ['first',",
    NewestFirstOfAQueue: "which is not the order in which they were sent",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[type[Adapter], list[str]]]:
    profile = load_profile(str(STRANGE / "destructive.toml"))
    new_folder = tmp_path_factory.mktemp
    deletes: dict[str, Any] = {"semantics": profile.semantics}
    with (
        serving(new_folder("server")) as url,
        serving(new_folder("destructive"), VARIATION="destructive") as queue_url,
        serving(new_folder("unhiding"), VARIATION="destructive", BUG="never_hides") as unhiding_url,
    ):
        asked: dict[Any, Callable[[], list[str]]] = {
            adapter: partial(problems_of, adapter, Site([url])) for adapter in BROKEN
        }
        for adapter in BROKEN_WHERE_READING_DELETES:
            new_adapter = partial(adapter, codec=profile.codec())
            asked[adapter] = partial(problems_of, new_adapter, Site([queue_url]), **deletes)
        asked["never hides"] = partial(problems_of, profile.new_adapter(), Site([unhiding_url]), **deletes)
        yield problems_at_once(asked)


@pytest.mark.parametrize("broken", [*BROKEN, *BROKEN_WHERE_READING_DELETES], ids=lambda value: value.__name__)
def test_what_is_wrong_with_an_adapter_is_said(broken: type[Adapter], found: dict[Any, list[str]]) -> None:
    said = (BROKEN | BROKEN_WHERE_READING_DELETES)[broken]
    assert any(said in problem for problem in found[broken]), found[broken]


def test_what_was_just_read_must_be_hidden(found: dict[Any, list[str]]) -> None:
    assert any("which had just been read and must be hidden" in problem for problem in found["never hides"])
