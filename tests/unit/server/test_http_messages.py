"""The message endpoints: what they accept, what they refuse and with which sentence, what they answer."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from tests.unit.server.http_app import MESSAGES, Http, problem
from tests.unit.server.world import World

NOON = "2026-01-01T12:00:00.000000Z"
FORM_DATA = (
    b"--x\r\nContent-Disposition: form-data; name=to_username\r\n\r\nbob\r\n"
    b"--x\r\nContent-Disposition: form-data; name=content\r\n\r\n%b\r\n--x--\r\n"
)


class TestSend:
    def test_the_answer_of_a_send(self, http: Http, world: World) -> None:
        response = http.send("hi", client_message_id="c1")
        assert response.status_code == 200
        body = response.get_json()
        [stored] = world.store.messages
        assert body == {
            "message": "hi",
            "id": stored.id,
            "seq": 1,
            "timestamp": stored.timestamp,
            "client_message_id": "c1",
            "queued": True,
            "replayed": False,
        }
        assert http.send("hi", client_message_id="c1").get_json() == body | {"replayed": True}

    @pytest.mark.parametrize("mimetype", ["application/x-www-form-urlencoded", "multipart/form-data"])
    def test_a_form_is_as_good_as_json(self, http: Http, world: World, mimetype: str) -> None:
        fields = {"to_username": "bob", "content": "ä+& =\n🎉", "client_message_id": "c1"}
        response = http.post(MESSAGES, user="alice", data=fields, content_type=mimetype)
        assert response.status_code == 200
        assert world.store.messages[0].content == "ä+& =\n🎉"
        assert world.store.messages[0].client_message_id == "c1"

    @pytest.mark.parametrize(
        "content",
        [
            "x",
            "x" * 1000,
            "🎉" * 1000,
            "  padded  ",
            "\x00",
            "'\"<script>",
            "{}",
            "null",
            "a\r\nb",
            "\u202egnp.exe",
        ],
    )
    def test_every_text_survives_unchanged(self, http: Http, content: str) -> None:
        assert http.send(content).status_code == 200
        assert http.poll().get_json()["messages"][0]["message"] == content

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ("", "empty_content"),
            (" \t\n\u3000", "empty_content"),
            ("x" * 1001, "content_too_long"),
            ("x" * 10_000, "content_too_long"),
            (5, "invalid_request"),
            (None, "invalid_request"),
            (["hi"], "invalid_request"),
            ("half a pair \ud83c", "invalid_request"),
        ],
    )
    def test_content_that_breaks_a_rule_is_refused(
        self, http: Http, world: World, content: Any, code: str
    ) -> None:
        assert "content" in problem(http.send(content), 400, code)["detail"]
        assert world.store.messages == []

    @pytest.mark.parametrize("to", ["", "bo", "b" * 65, "bob\n", "bob:x", "a/b", None, 7, {"$gt": ""}])
    def test_an_illegal_recipient_is_refused(self, http: Http, to: Any) -> None:
        assert "to_username" in problem(http.send(to=to), 400, "invalid_request")["detail"]

    def test_an_unknown_recipient_is_not_found(self, http: Http, world: World) -> None:
        problem(http.send(to="nobody"), 404, "user_not_found")
        assert world.store.messages == []

    def test_one_may_write_to_oneself(self, http: Http) -> None:
        assert http.send("note", user="bob").status_code == 200
        assert http.poll().get_json()["messages"][0]["from"] == "bob"

    @pytest.mark.parametrize("client_message_id", ["", "c" * 65, 5, ["c1"]])
    def test_a_bad_client_message_id_is_refused(self, http: Http, client_message_id: Any) -> None:
        response = http.send(client_message_id=client_message_id)
        assert "client_message_id" in problem(response, 400, "invalid_request")["detail"]

    def test_a_client_message_id_of_another_message_is_refused(self, http: Http) -> None:
        http.send("hi", client_message_id="c1")
        problem(http.send("other", client_message_id="c1"), 400, "idempotency_mismatch")

    def test_no_user_can_send_as_another_one(self, http: Http, world: World) -> None:
        assert http.send(from_username="alice").status_code == 200
        problem(http.send(from_username="carol"), 403, "forbidden")
        assert len(world.store.messages) == 1

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"", "application/json"),
            (b"{", "application/json"),
            (b"[]", "application/json"),
            (b'"hi"', "application/json"),
            (b"null", "application/json"),
            (b"\xff\xfe{}", "application/json"),
            (b'{"to_username": "bob", "content": "\xff"}', "application/json"),
            (b"[" * 100_000, "application/json"),
            (b'{"content": ' + b"1" * 5000 + b"}", "application/json"),
            (b'\xef\xbb\xbf{"to_username": "bob", "content": "hi"}', "application/json"),
            (b'{"to_username": "bob", "content": "hi", "number": NaN}', "application/json"),
            (b'{"to_username": "bob", "content": "hi", "number": [-Infinity]}', "application/json"),
            (b'{"to_username":"bob","content":"hi"}', "text/plain"),
            (b'{"to_username":"bob","content":"hi"}', ""),
            (b"to_username=bob&content=a&content=b", "application/x-www-form-urlencoded"),
            (b"to_username=bob", "application/x-www-form-urlencoded"),
            (b"to_username=bob&content=half%20%c3", "application/x-www-form-urlencoded"),
            (b"to_username=bob&content=%ed%a0%80", "application/x-www-form-urlencoded"),
            (b"to_username=bob&content=\xff", "application/x-www-form-urlencoded"),
            (FORM_DATA % b"\xff", "multipart/form-data; boundary=x"),
        ],
    )
    def test_a_body_that_is_no_send_is_refused(
        self, http: Http, world: World, body: bytes, content_type: str
    ) -> None:
        response = http.post(MESSAGES, user="alice", data=body, content_type=content_type)
        problem(response, 400, "invalid_request")
        assert world.store.messages == []

    @pytest.mark.parametrize("name", ["to_username", "content", "client_message_id", "from_username"])
    @pytest.mark.parametrize("again", [b'"x"', b"null", b'{"a": 1, "a": 2}'])
    def test_a_name_that_comes_twice_is_refused_and_named(
        self, http: Http, world: World, name: str, again: bytes
    ) -> None:
        body = b'{"to_username": "bob", "content": "hi", "client_message_id": "c", "from_username": "alice"'
        body += b', "%b": %b}' % (name.encode(), again)
        response = http.post(MESSAGES, user="alice", data=body, content_type="application/json")
        detail = problem(response, 400, "invalid_request")["detail"]
        assert detail == f"{name} was sent 2 times; send it once."
        assert world.store.messages == []

    def test_an_unknown_field_may_be_repeated(self, http: Http) -> None:
        body = b'{"to_username": "bob", "content": "hi", "x": 1, "x": {"content": 1, "content": 2}}'
        response = http.post(MESSAGES, user="alice", data=body, content_type="application/json")
        assert response.status_code == 200

    def test_a_form_is_read_in_utf_8_whatever_it_escapes(self, http: Http) -> None:
        body = "to_username=bob&content=%C3%A4+ä%2B%26".encode()
        response = http.post(
            MESSAGES, user="alice", data=body, content_type="application/x-www-form-urlencoded"
        )
        assert response.get_json()["message"] == "ä ä+&"
        percent = FORM_DATA % "%ff ä".encode()
        response = http.post(
            MESSAGES, user="alice", data=percent, content_type="multipart/form-data; boundary=x"
        )
        assert response.get_json()["message"] == "%ff ä"

    def test_a_huge_body_is_refused(self, http: Http) -> None:
        response = http.post(MESSAGES, user="alice", data=b"x" * 300_000, content_type="application/json")
        assert "262,144" in problem(response, 413, "request_entity_too_large")["detail"]

    def test_without_redis_the_push_is_owed(self, http: Http, world: World) -> None:
        world.queue.down = True
        assert http.send().get_json()["queued"] is False

    def test_without_mongodb_it_says_whether_to_worry(self, http: Http, world: World) -> None:
        world.store.answers_lost = True
        assert problem(http.send(), 503, "unavailable")["outcome"] == "unknown"
        world.store.down = True
        assert problem(http.send(), 503, "unavailable")["outcome"] == "not_stored"


class TestPoll:
    def test_the_answer_of_a_poll(self, http: Http, world: World) -> None:
        http.send("hi", client_message_id="c1")
        [stored] = world.store.messages
        body = http.poll().get_json()
        now = body.pop("timestamp")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", now)
        assert body == {
            "messages": [
                {
                    "id": stored.id,
                    "seq": 1,
                    "from": "alice",
                    "to": "bob",
                    "message": "hi",
                    "timestamp": stored.timestamp,
                    "client_message_id": "c1",
                }
            ],
            "count": 1,
            "has_more": False,
            "next_since": stored.timestamp,
            "gap": False,
            "source": "redis",
            "degraded": False,
            "poll_after_ms": 2000,
            "success": True,
        }

    def test_the_answer_of_an_idle_poll_echoes_the_cursor(self, http: Http) -> None:
        body = http.poll().get_json()
        assert (body["messages"], body["count"], body["next_since"]) == ([], 0, None)
        for spelling in (NOON, "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.5-03:30"):
            assert http.poll(f"?since={spelling}").get_json()["next_since"] == spelling
        assert (
            http.poll("?since=2026-01-01T12:00:00+02:00").get_json()["next_since"]
            == "2026-01-01T12:00:00+02:00"
        )

    def test_pages_follow_the_cursor(self, http: Http) -> None:
        for n in range(5):
            http.send(str(n))
        seen, query = [], "?limit=2"
        while True:
            body = http.poll(query).get_json()
            seen += [message["message"] for message in body["messages"]]
            if not body["has_more"]:
                break
            query = f"?limit=2&since={body['next_since']}"
        assert seen == ["0", "1", "2", "3", "4"]

    def test_the_poll_interval_is_the_configured_one(self, world: World) -> None:
        assert Http(world, POLL_INTERVAL_MS="500").poll().get_json()["poll_after_ms"] == 500

    @pytest.mark.parametrize(
        "since",
        [
            "yesterday",
            "",
            "1767268800",
            "2026-01-01",
            "2026-01-01T12:00:00",
            "2026-13-01T12:00:00Z",
            "2026-01-01T12:00:00.1234567Z",
            "2026-01-01T12:00:00z",
            "2026-01-01t12:00:00Z",
            "2026-01-01 12:00:00Z",
        ],
    )
    def test_a_malformed_since_is_refused(self, http: Http, since: str) -> None:
        assert "since must be" in problem(http.poll(f"?since={since}"), 400, "invalid_timestamp")["detail"]

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1.5", "", "١٠", "1e1", "9" * 5000])
    def test_a_limit_outside_the_range_is_refused(self, http: Http, limit: str) -> None:
        detail = problem(http.poll(f"?limit={limit}"), 400, "invalid_request")["detail"]
        assert detail == "limit must be a whole number from 1 to 100."

    @pytest.mark.parametrize("wait", ["-1", "26", "25.1", "nan", "inf", "soon", "1e2", "1.", ".5", ""])
    def test_a_wait_outside_the_range_is_refused(self, http: Http, wait: str) -> None:
        assert "wait must be" in problem(http.poll(f"?wait={wait}"), 400, "invalid_request")["detail"]

    @pytest.mark.parametrize("query", ["?limit=1&limit=2", f"?since={NOON}&since={NOON}", "?wait=0&wait=0"])
    def test_a_repeated_parameter_is_refused(self, http: Http, query: str) -> None:
        assert "send it once" in problem(http.poll(query), 400, "invalid_request")["detail"]

    def test_a_wait_holds_an_idle_poll(self, http: Http, world: World) -> None:
        world.notifier.on_wait = lambda: http.send("hi")
        assert http.poll("?wait=2.5").get_json()["count"] == 1

    def test_no_user_can_poll_the_mailbox_of_another_one(self, http: Http, world: World) -> None:
        http.send("for bob only")
        assert "for bob" not in str(problem(http.poll(user="carol"), 403, "forbidden"))
        problem(http.poll(user="carol", mailbox="nobody"), 404, "user_not_found")
        world.store.down = True
        problem(http.poll(user="carol"), 403, "forbidden")

    @pytest.mark.parametrize("mailbox", ["bo", "x", "b" * 65])
    def test_a_name_too_short_or_long_is_refused(self, http: Http, mailbox: str) -> None:
        problem(http.poll(mailbox=mailbox), 400, "invalid_request")

    def test_without_redis_it_is_degraded(self, http: Http, world: World) -> None:
        http.send()
        world.queue.down = True
        body = http.poll().get_json()
        assert (body["source"], body["degraded"], body["count"]) == ("mongodb", True, 1)

    def test_without_any_store_it_is_unavailable(self, http: Http, world: World) -> None:
        world.queue.down = world.store.down = True
        assert "outcome" not in problem(http.poll(), 503, "unavailable")

    def test_what_it_found_is_logged(self, http: Http, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        http.send()
        http.poll(f"?since={NOON}")
        line = f"📬 Polling: 'bob' - found 1 new messages since {NOON}"
        assert [r.levelno for r in caplog.records if r.getMessage() == line] == [logging.INFO]
        http.poll("?since=2100-01-01T00:00:00Z")
        idle = [r.levelno for r in caplog.records if "found 0 new messages" in r.getMessage()]
        assert idle == [logging.DEBUG]


class TestConversation:
    def test_its_pages_are_newest_first(self, http: Http) -> None:
        for n in range(3):
            http.send(f"there {n}")
            http.send(f"back {n}", user="bob", to="alice")
        body = http.get(f"{MESSAGES}/conversation/alice?limit=4", user="bob").get_json()
        assert [message["message"] for message in body["messages"]] == [
            "back 2",
            "there 2",
            "back 1",
            "there 1",
        ]
        assert (body["count"], body["has_more"], body["success"]) == (4, True, True)
        rest = http.get(f"{MESSAGES}/conversation/alice?before={body['next_before']}", user="bob").get_json()
        assert [message["message"] for message in rest["messages"]] == ["back 0", "there 0"]
        assert rest["has_more"] is False

    def test_it_shows_nothing_of_others(self, http: Http) -> None:
        http.send("for bob only")
        body = http.get(f"{MESSAGES}/conversation/alice", user="carol").get_json()
        assert body["messages"] == []
        assert body["next_before"] is None

    @pytest.mark.parametrize("query", ["?before=yesterday", "?limit=0", "?limit=101"])
    def test_bad_parameters_are_refused(self, http: Http, query: str) -> None:
        assert http.get(f"{MESSAGES}/conversation/alice{query}", user="bob").status_code == 400

    def test_an_unknown_partner_is_not_found(self, http: Http) -> None:
        problem(http.get(f"{MESSAGES}/conversation/nobody", user="bob"), 404, "user_not_found")

    def test_it_needs_mongodb(self, http: Http, world: World) -> None:
        world.store.down = True
        problem(http.get(f"{MESSAGES}/conversation/alice", user="bob"), 503, "unavailable")


class TestConversations:
    def test_the_one_with_the_newest_message_comes_first(self, http: Http) -> None:
        http.send("to carol", to="carol")
        http.send("to bob")
        http.send("back", user="bob", to="alice")
        body = http.get(f"{MESSAGES}/conversations", user="alice").get_json()
        assert (body["count"], body["has_more"], body["success"]) == (2, False, True)
        bob, carol = body["conversations"]
        assert (bob["with"], bob["last_sent"]["message"], bob["last_received"]["message"]) == (
            "bob",
            "to bob",
            "back",
        )
        assert (carol["with"], carol["last_sent"]["to"], carol["last_received"]) == ("carol", "carol", None)

    def test_it_shows_nothing_of_others(self, http: Http) -> None:
        http.send("for bob only")
        assert http.get(f"{MESSAGES}/conversations", user="carol").get_json()["conversations"] == []

    def test_more_than_the_limit_are_announced(self, http: Http) -> None:
        for name in ("bob", "carol"):
            http.send(to=name)
        body = http.get(f"{MESSAGES}/conversations?limit=1", user="alice").get_json()
        assert [one["with"] for one in body["conversations"]] == ["carol"]
        assert body["has_more"] is True

    @pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x"])
    def test_bad_parameters_are_refused(self, http: Http, query: str) -> None:
        problem(http.get(f"{MESSAGES}/conversations{query}", user="bob"), 400, "invalid_request")

    def test_it_needs_mongodb(self, http: Http, world: World) -> None:
        world.store.down = True
        problem(http.get(f"{MESSAGES}/conversations", user="bob"), 503, "unavailable")


class TestToken:
    PATHS = (
        ("POST", MESSAGES),
        ("GET", f"{MESSAGES}/poll/bob"),
        ("GET", f"{MESSAGES}/conversation/alice"),
        ("GET", f"{MESSAGES}/conversations"),
    )

    @pytest.mark.parametrize(("method", "path"), PATHS)
    @pytest.mark.parametrize(
        "authorization",
        [None, "", "Bearer", "Bearer ", "Bearer x", "Basic Ym9iOmJvYg==", "Bearer a.b.c", "Bearer 🎉"],
    )
    def test_without_a_valid_one_nothing_is_answered(
        self, http: Http, method: str, path: str, authorization: str | None
    ) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        response = http.call(method, path, headers=headers)
        problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"] == "Bearer"

    def test_it_is_checked_before_the_body(self, http: Http) -> None:
        problem(http.post(MESSAGES, data=json.dumps([])), 401, "unauthenticated")
