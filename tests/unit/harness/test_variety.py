"""What is drawn is legal, says what is special about it, and covers every pair of choices."""

from __future__ import annotations

import json
import re
from email import message_from_bytes
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import pytest

from harness.adapters import Asked, Message, spellings
from harness.client.variety import contents, cursor_spellings, names
from harness.client.variety.covering import Covering
from harness.client.variety.variety import Variety
from harness.history.instants import instant
from harness.history.positions import Scale
from harness.policy import Features
from harness.run.consumer import wrong_page
from harness.semantics import Semantics

SEEDS = range(40)
SCALE = Scale(Semantics())
AROUND = contents.Around("alice", "bob", ["id-1"], longest=500)


@pytest.mark.parametrize("kind", contents.CONTENTS)
def test_every_text_is_legal(kind: str) -> None:
    for seed in SEEDS:
        text = contents.content_of(kind, Random(seed), AROUND)
        assert text.strip()
        assert len(text) <= AROUND.longest
        text.encode()


@pytest.mark.parametrize("kind", ["a word of protocols", "punctuation only", "one character", "markup"])
def test_one_text_of_a_class_comes_after_the_other(kind: str) -> None:
    texts = {
        contents.content_of(kind, Random(seed), contents.Around("alice", "bob", [], 500, turn)).split()[0]
        for seed, turn in enumerate(range(7, 11))
    }
    assert len(texts) == 4


def test_each_text_of_escapes_has_them_all_and_each_of_several_lines_every_end_of_a_line() -> None:
    for seed in SEEDS:
        escapes = contents.content_of("escapes", Random(seed), AROUND)
        assert all(mark in escapes for mark in "+%&=;#\\\"'")
        lines = contents.content_of("several lines", Random(seed), AROUND)
        assert {"\r\n", "\r", "\n", "\u2028"} <= set(re.split("line|[0-9a-f]{16}", lines))


def test_a_class_that_is_too_long_for_a_server_becomes_its_longest_text() -> None:
    small = contents.Around("alice", "bob", [], longest=1)
    assert {len(contents.content_of(kind, Random(1), small)) for kind in contents.CONTENTS} == {1}


@pytest.mark.parametrize("kind", names.USERNAMES)
def test_every_name_is_legal_and_new(kind: str) -> None:
    others = ["Alice_1", "x" * 64]
    for place in range(20):
        name = names.USERNAMES[kind](names.usual_name(place), others)
        assert 3 <= len(name) <= 64
        assert name not in others


@pytest.mark.parametrize("way", cursor_spellings.CURSORS)
@pytest.mark.parametrize(
    "cursor", ["2026-01-01T00:00:00.120000Z", "2024-02-29T23:59:59Z", "0001-01-01T00:00:00.000001Z"]
)
def test_every_spelling_of_a_cursor_is_the_same_instant(way: str, cursor: str) -> None:
    for seed in SEEDS:
        assert instant(cursor_spellings.spelled(cursor, way, Random(seed))) == instant(cursor)


def test_what_is_not_a_timestamp_is_asked_as_it_was_given() -> None:
    assert {cursor_spellings.spelled("opaque-7", way, Random(1)) for way in cursor_spellings.CURSORS} == {
        "opaque-7"
    }


@pytest.mark.parametrize("way", spellings.SPELLINGS)
def test_every_spelling_says_the_same(way: str) -> None:
    fields = {
        "to_username": "bób+1",
        "content": 'a+b=c & "q" \\ 100 % /\n\U0001f642',
        "client_message_id": "7",
    }
    body, kind = spellings.SPELLINGS[way](fields)
    said = _read(body, kind)
    assert {name: said[name] for name in fields} == fields
    optional = {"from_username"} if way == "JSON with nulls" else set()
    assert {name for name, value in said.items() if value is None} == optional


def _read(body: bytes, kind: str) -> dict[str, Any]:
    if kind.lower().startswith("application/json"):
        return dict(json.loads(body))
    if kind.startswith("multipart"):
        parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()  # type: ignore[union-attr]
            for part in parts.walk()
            if not part.is_multipart()
        }
    return dict(parse_qsl(body.decode(), strict_parsing=True))


def test_each_pair_of_values_is_drawn_soon() -> None:
    factors = {"a": tuple("123456"), "b": tuple("xyz"), "c": tuple("+-")}
    covering = Covering(factors, Random(1))
    for _ in range(24):  # 6 * 3 pairs of the two largest factors are the least
        covering.draw()
    assert not covering.missing()
    assert max(covering.values[("a", value)] for value in "123456") <= 6


def test_what_is_fixed_stays() -> None:
    covering = Covering({"a": "12", "b": "xy"}, Random(1))
    assert {covering.draw(a="2")["a"] for _ in range(9)} == {"2"}


def test_the_same_seed_draws_the_same() -> None:
    one, other, another = (Variety(seed, Features(), longest_message=500) for seed in (1, 1, 2))
    drawn = [
        [variety.manner("alice", "bob") for _ in range(20)]
        + [variety.ask("2026-01-01T00:00:00Z", limit=None, wait_s=None) for _ in range(20)]
        for variety in (one, other, another)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_no_sender_uses_an_id_twice_and_one_that_must_have_one_has_it() -> None:
    variety = Variety(1, Features(), longest_message=500)
    ids = [variety.manner("alice", "bob", needs_id=True).client_message_id for _ in range(300)]
    assert len(set(ids)) == 300
    assert None not in ids


def test_what_is_special_is_said_in_words() -> None:
    variety = Variety(1, Features(), longest_message=500)
    manners = [variety.manner("alice", "alice") for _ in range(300)]
    assert all("to oneself" in manner.special for manner in manners)
    said = {words for manner in manners for words in manner.special}
    assert {"content: digits only", "sent as a form", "no client_message_id"} <= said


def test_a_target_gets_nothing_that_it_does_not_have() -> None:
    little = Features(
        forms=False,
        multipart_forms=False,
        lenient_json=False,
        held_polls=False,
        unicode_names=False,
        marked_names=False,
        case_sensitive_names=False,
    )
    variety = Variety(1, little, longest_message=500)
    sent = {variety.manner("alice", "bob").spelling for _ in range(300)}
    assert not {spelling for spelling in sent if "form" in spelling or "with" in spelling.split(",")[0]}
    asked = [variety.ask(None, limit=None, wait_s=None).parameters for _ in range(300)]
    assert {name for parameters in asked for name in parameters} == {"limit"}
    others: list[str] = []
    for place in range(40):
        others.append(variety.name(place, others))
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in others)


def test_a_page_is_wrong_that_is_larger_than_asked_or_holds_what_is_not_newer() -> None:
    asked = Asked("2026-01-01T13:00:00+01:00", {"limit": "1"}, special=("limit=1",))
    moments = ("2026-01-01T12:00:00.000001Z", "2026-01-01T12:00:00.000000Z")
    messages = [Message("id", "ann", "bob", "hi", moment) for moment in moments]
    assert list(wrong_page(asked, messages, SCALE)) == [
        "with limit=1 (limit=1) brought 2 messages",
        "from 2026-01-01T13:00:00+01:00 (limit=1) brought a message of 2026-01-01T12:00:00.000000Z, "
        "which is not newer",
    ]
    assert list(wrong_page(asked, messages[:1], SCALE)) == []
    assert list(wrong_page(Asked(None, {}), messages, SCALE)) == []
