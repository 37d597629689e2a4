"""Users with nearly equal names: as texts, to the eye, as patterns, as prefixes. Each has a mailbox alone."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import redis

from harness.client import Client
from harness.client.variety.variety import Manner
from harness.stack import Services
from harness.stack.target_process import Target
from tests.edge.server.paths import LOGIN, REGISTER, conversation, mailbox

FIRST = "ann"
STEMS = (
    *(FIRST, "anna", "ann1", "ann11", "ann.", "ann..", "ann-", "ann_", "ann+", "ann@ann", "a.nn", "@ann"),
    *("Ann", "ANN", "anN"),
    *("аnn", "αnn", "ａｎｎ", "𝐚𝐧𝐧", "ａnn", "añn", "ann١", "ann１", "ann²"),
    *("finn", "ﬁnn", "straße", "strasse", "STRASSE", "ılo", "ilo", "İlo", "ſam", "sam"),
)
"""Each different from all others, also once it is composed (NFC)."""
SAME = (
    ("e\u0301mile", "\u00e9mile"),
    ("\u212bsa", "\u00c5sa"),
    ("\u1112\u1161\u11ab\u1112\u1161\u11ab", "한한"),
)
"""Two spellings of one name."""
PATTERNS = (
    *(
        "ann*",
        "ann?",
        "an[n]",
        "ann:",
        ":ann",
        "ann\u200b",
        "anx\u0301",
        "ann ",
        "ann\x00",
        "{ann}",
        "ann/",
        "%61nn",
    ),
    *("a|n", "^ann$", "(ann)", "ann\u202e", "ann\n", "$ann", "ann#"),
)
"""Of the same look or meaning, and no names at all."""

Users = dict[str, Client]


@pytest.fixture(scope="module")
def unique() -> str:
    """What all names begin with: a Redis that is not ours may keep the mailboxes of earlier runs."""
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="module")
def users(server: Target, unique: str) -> Iterator[Users]:
    """All of them by their names, signed in."""
    clients = (Client(server.base_url, unique + stem, "long enough", timeout_s=30) for stem in STEMS)
    users = {client.username: client for client in clients}
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(lambda user: user.register().status, users.values())} == {201}
        assert {*pool.map(lambda user: user.sign_in().status, users.values())} == {200}
    yield users
    for user in users.values():
        user.close()


@pytest.fixture(scope="module")
def ann(users: Users, unique: str) -> Client:
    """The first one, who has sent each of them, herself included, the name that it was sent to."""
    ann = users[unique + FIRST]
    for name in users:
        assert ann.send(name, Manner(f"for {name}", None)).status == 200
    return ann


def test_the_names_are_really_different_and_really_alike() -> None:
    assert len({unicodedata.normalize("NFC", stem) for stem in STEMS}) == len(STEMS)
    assert len({unicodedata.normalize("NFKC", stem).casefold() for stem in STEMS}) < len(STEMS) - 10


@pytest.mark.usefixtures("ann")
def test_each_gets_what_was_sent_to_that_very_name(users: Users) -> None:
    received = {name: user.poll({}).body["messages"] for name, user in users.items()}
    contents = {name: [message["message"] for message in messages] for name, messages in received.items()}
    assert contents == {name: [f"for {name}"] for name in users}
    assert {message["to"] for [message] in received.values()} == users.keys()


def test_none_may_read_the_mailbox_of_another(users: Users, unique: str) -> None:
    for stem in (FIRST, "Ann", "аnn", "ａｎｎ", "sam"):
        one = users[unique + stem]
        for other in users.keys() - {one.username}:
            answer = one.call("GET", mailbox(other))
            assert (answer.status, answer.body["code"]) == (403, "forbidden"), (stem, other)


def test_a_conversation_is_with_that_very_name(users: Users, ann: Client) -> None:
    for name in users.keys() - {ann.username}:
        found = ann.call("GET", conversation(name)).body["messages"]
        assert [message["message"] for message in found] == [f"for {name}"]


def test_a_new_name_of_the_kind_has_nothing_of_the_others(server: Target, ann: Client, unique: str) -> None:
    with closing(Client(server.base_url, f"{unique}aNN", "another one")) as mallory:
        assert mallory.register().status == 201
        assert mallory.sign_in().status == 200
        assert mallory.poll({}).body["messages"] == []
        credentials = {"username": ann.username, "password": "another one"}
        assert mallory.call("POST", LOGIN, body=credentials).status == 401


@pytest.mark.parametrize(("spelling", "kept"), SAME)
def test_two_spellings_of_one_name_are_one_user(
    server: Target, ann: Client, unique: str, spelling: str, kept: str
) -> None:
    spelling, kept = unique + spelling, unique + kept
    with closing(Client(server.base_url, spelling, "long enough")) as user:
        assert user.register().body["username"] == kept
        again = {"username": kept, "password": "long enough"}
        assert user.call("POST", REGISTER, body=again).status == 409
        assert user.sign_in().body["username"] == kept
        for to in (spelling, kept):
            assert ann.send(to, Manner("hi", None)).status == 200
        for name in (spelling, kept):
            assert user.call("GET", mailbox(name)).body["count"] == 2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_nobodys_name(ann: Client, unique: str, pattern: str) -> None:
    name = unique + pattern
    assert ann.call("POST", REGISTER, body={"username": name, "password": "long enough"}).status == 400
    assert ann.send(name, Manner("hi", None)).status == 400
    for path in (mailbox(name), conversation(name)):
        assert ann.call("GET", path).status in (400, 404)


def test_each_has_a_queue_alone(users: Users, ann: Client, services: Services) -> None:
    with redis.Redis.from_url(services.redis_direct_url, protocol=2, decode_responses=True) as keys:
        lengths = {name: keys.llen(f"messages:{name}") for name in users}
    assert {*lengths.values()} == {1}, lengths
