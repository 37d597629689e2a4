"""Every rule for user input, at its limits; any other input is refused with one sentence."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reference_server.auth import check_password, check_username
from reference_server.errors import InvalidRequest
from reference_server.interfaces import Cursor, page_of
from reference_server.message import Message
from reference_server.timestamps import as_written, parse_timestamp
from tests.unit.server.http_app import MESSAGES, Http
from tests.unit.server.world import World

NOON_US = 1_767_268_800_000_000
LONE, ASTRAL, COMBINING = "\ud83c", "𝒳", "e\u0301"
"""An unpaired surrogate; a letter beyond the first 65,536; a letter that NFC makes one character."""

busy = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)


class TestUsername:
    @pytest.mark.parametrize(
        "name", ["abc", "x" * 64, "a.b@c+d-e_f", "123", "...", ASTRAL * 64, "émile", "Ünal", "李小龙", "١٢٣"]
    )
    def test_a_legal_one_is_kept_as_it_is(self, name: str) -> None:
        assert check_username(name) == name

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            (COMBINING * 64, "é" * 64),
            (COMBINING + "ab", "éab"),
            ("\u212bbc", "Åbc"),
            ("\ud55c" * 3, "한" * 3),
        ],
    )
    def test_its_length_is_that_of_its_composed_form(self, typed: str, kept: str) -> None:
        assert check_username(typed) == kept

    @pytest.mark.parametrize("name", ["", "ab", "x" * 65, ASTRAL * 2, COMBINING * 2, COMBINING * 65])
    def test_a_length_outside_the_range_is_told(self, name: str) -> None:
        length = len(unicodedata.normalize("NFC", name))
        with pytest.raises(InvalidRequest) as refusal:
            check_username(name, "to_username")
        assert refusal.value.detail == f"to_username must have 3 to 64 characters, not {length}."

    @pytest.mark.parametrize(
        "bad", [*" :/\\*?#%&'\"<>|,;()[]{}$", *"\x00\n\r\t\x7f\u200b\u202e\u2028", LONE, "🎉"]
    )
    @pytest.mark.parametrize("place", ["{}ab", "a{}b", "ab{}"])
    def test_a_character_with_a_meaning_elsewhere_is_refused(self, bad: str, place: str) -> None:
        with pytest.raises(InvalidRequest, match="may contain only letters"):
            check_username(place.format(bad))

    @busy
    @given(st.text(max_size=80))
    def test_what_is_kept_is_one_spelling_with_nothing_dangerous_in_it(self, text: str) -> None:
        try:
            kept = check_username(text)
        except InvalidRequest:
            return
        assert check_username(kept) == kept == unicodedata.normalize("NFC", text)
        assert all(character.isalnum() or character in "_.@+-" for character in kept)
        kept.encode()


@pytest.mark.parametrize("password", ["x" * 8, "x" * 128, "🎉" * 8, "\x00" * 8, " " * 8])
def test_a_password_is_any_text_of_8_to_128_characters(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["", "x" * 7, "x" * 129, "🎉" * 7])
def test_another_password_is_refused_with_its_length_and_never_repeated(password: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        check_password(password)
    assert refusal.value.detail == f"password must have 8 to 128 characters, not {len(password)}."


class TestSend:
    @pytest.mark.parametrize("client_id", ["c", "c" * 64, "🎉" * 64, "\x00", " ", "a/b:c\n"])
    def test_a_client_message_id_is_any_text_of_1_to_64_characters(self, http: Http, client_id: str) -> None:
        assert http.send(client_message_id=client_id).get_json()["client_message_id"] == client_id
        assert http.send(client_message_id=client_id).get_json()["replayed"] is True

    @pytest.mark.parametrize("character", ["x", "🎉", "\x00", "\u0301", "\ufeff", "\u202e", '"', "\\"])
    def test_the_limit_counts_characters_not_bytes(self, http: Http, character: str) -> None:
        assert http.send(character * 1000).get_json()["message"] == character * 1000
        assert http.send(character * 1001).status_code == 400

    def test_the_limit_counts_what_was_sent_not_what_is_left_after_trimming(self, http: Http) -> None:
        assert http.send(" " * 999 + "x").status_code == 200
        assert http.send(" " * 1000 + "x").status_code == 400

    def test_the_limit_is_the_configured_one(self, world: World) -> None:
        http = Http(world, MESSAGE_LIMIT="10000")
        assert http.send("🎉" * 10_000).status_code == 200
        assert http.send("🎉" * 10_001).status_code == 400

    @pytest.mark.parametrize("field", ["to_username", "content", "client_message_id", "from_username"])
    @pytest.mark.parametrize("text", [LONE, f"ab{LONE}", f"{LONE}ab", "\udf89\ud83c"])
    def test_half_a_character_is_refused_in_every_field(
        self, http: Http, world: World, field: str, text: str
    ) -> None:
        response = http.send(**{"to" if field == "to_username" else field: text})
        assert response.status_code == 400
        assert response.get_json(force=True)["detail"].startswith(field)
        assert world.store.messages == []

    def test_a_null_is_a_missing_field(self, http: Http) -> None:
        assert http.send(client_message_id=None, from_username=None).status_code == 200


class TestPollParameters:
    @pytest.mark.parametrize("limit", [1, 2, 99, 100])
    def test_a_limit_within_the_range_is_kept(self, http: Http, limit: int) -> None:
        for number in range(3):
            http.send(f"no. {number}")
        body = http.poll(f"?limit={limit}").get_json()
        assert body["count"] == min(limit, 3)
        assert body["has_more"] == (limit < 3)

    @pytest.mark.parametrize("wait", ["0", "0.0", "0e5", "2.5e1", "25", "25.0", "1E-3", "0.000001"])
    def test_a_wait_is_a_number_as_json_spells_it(self, http: Http, world: World, wait: str) -> None:
        world.notifier.on_wait = lambda: setattr(world.notifier, "is_stopping", True)
        assert http.poll(f"?wait={wait}").status_code == 200
        assert sum(world.notifier.waits_s) == pytest.approx(float(wait), abs=0.5)

    @pytest.mark.parametrize("query", ["", "?unknown=1", "?since", "?limit=%00", "?=&&=", "?limit=1%2500"])
    def test_unknown_parameters_are_ignored_and_empty_ones_are_refused(self, http: Http, query: str) -> None:
        expected = 400 if query.startswith(("?since", "?limit")) else 200
        assert http.poll(query).status_code == expected


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59)
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30))


@busy
@given(moments, offsets, st.integers(0, 6), st.booleans())
def test_every_legal_spelling_is_the_moment_that_python_reads(
    moment: datetime, offset_min: int, digits: int, escaped: bool
) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))
    fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
    sign, size = "-" if offset_min < 0 else "+" if escaped else " ", abs(offset_min)
    text = f"{moment:%H:%M:%S}{fraction}{sign}{size // 60:02d}:{size % 60:02d}"
    text = f"{moment.year:04d}-{moment:%m-%d}T{text}"
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    expected_us = (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_timestamp(text) == expected_us
    assert as_written(as_written(text)) == as_written(text)


messages_of_a_page = st.integers(0, 12).flatmap(
    lambda count: st.integers(1, 100).map(
        lambda first: [Message(first + n, first + n, "id", "alice", "bob", "hi") for n in range(count)]
    )
)


@busy
@given(messages_of_a_page, st.integers(1, 12), st.booleans(), st.integers(0, 200))
def test_a_page_is_the_oldest_of_what_was_found_and_says_what_it_left_out(
    found: list[Message], limit: int, given: bool, head_seq: int
) -> None:
    page = page_of(found, Cursor(0, given=given), limit, head_seq)
    assert [*page.messages] == found[:limit]
    assert page.has_more == (len(page.messages) < len(found))
    first_left_out = found[0].seq > 1 if found else head_seq > 0
    assert page.gap == (not given and first_left_out)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "to_username": st.just("bob") | anything,
        "content": anything,
        "from_username": st.just("alice") | anything,
        "client_message_id": anything,
    },
)


CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "text/json",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    ";",
    "",
)
HALF_A_FORM = b"--x\r\nContent-Disposition: form-data; name=content\r\n"


class TestNoRequestDoesWorseThanBeingRefused:
    """One server for all: making one costs more than all that is asked of it."""

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> World:
        return World()

    @pytest.fixture(scope="class")
    @classmethod
    def http(cls, world: World) -> Http:
        return Http(world)

    @busy
    @given(body=fields)
    @example(body={"to_username": "bob", "content": "hi", "from_username": "000"})
    def test_whatever_a_send_holds(self, http: Http, world: World, body: Any) -> None:
        before = len(world.store.messages)
        response = http.post(MESSAGES, user="alice", json=body)
        assert response.status_code in (200, 400, 403, 404), response.text
        assert response.status_code != 403 or body["from_username"] != "alice"
        stored = response.status_code == 200 and not response.get_json()["replayed"]
        assert len(world.store.messages) == before + stored

    @busy
    @given(body=st.binary(max_size=200), content_type=st.sampled_from(CONTENT_TYPES))
    @example(body=HALF_A_FORM, content_type="multipart/form-data; boundary=x")
    def test_whatever_a_body_is(self, http: Http, body: bytes, content_type: str) -> None:
        response = http.post(MESSAGES, user="alice", data=body, content_type=content_type)
        assert response.status_code == 400, response.text

    @busy
    @given(st.dictionaries(st.sampled_from(["since", "limit", "wait", "before"]), st.text(max_size=40)))
    def test_whatever_a_query_is(self, http: Http, parameters: dict[str, str]) -> None:
        query = urlencode(parameters, errors="surrogatepass")
        for path in (f"{MESSAGES}/poll/alice", f"{MESSAGES}/conversation/bob"):
            assert http.get(f"{path}?{query}", user="alice").status_code in (200, 400)

    @busy
    @given(st.text(min_size=1, max_size=70))
    def test_whatever_a_name_in_a_path_is(self, http: Http, name: str) -> None:
        quoted = quote(name, safe="", errors="surrogatepass")
        for what in ("poll", "conversation"):
            response = http.get(f"{MESSAGES}/{what}/{quoted}", user="alice")
            assert response.status_code in (200, 308, 400, 403, 404)

    @busy
    @given(st.text(st.characters(exclude_characters="\r\n", max_codepoint=255)))
    def test_whatever_a_header_says(self, http: Http, value: str) -> None:
        headers = {"Authorization": value, "X-Request-Id": value, "X-Forwarded-For": value}
        assert http.get(f"{MESSAGES}/poll/alice", headers=headers).status_code == 401
