"""What the HTTP layer refuses, and what it never reveals."""

from __future__ import annotations

import io
import time
import unicodedata
from typing import Any

import pytest
from werkzeug.test import TestResponse

from reference_server.config import MAX_BODY_BYTES
from tests.unit.server.http_app import MESSAGES, Http, problem
from tests.unit.server.world import World

REGISTER, LOGIN = "/api/users/register", "/api/users/login"
DAVE = {"username": "dave", "password": "long enough"}


def sign_in(http: Http, username: str = "dave", password: str = "wrong", **headers: str) -> TestResponse:
    return http.post(LOGIN, json={"username": username, "password": password}, headers=headers)


def refused(response: TestResponse) -> int:
    problem(response, 429, "too_many_attempts")
    return int(response.headers["Retry-After"])


class TestGuessing:
    @pytest.fixture
    def http(self, world: World) -> Http:
        http = Http(world, SIGN_IN_FAILURES_PER_ACCOUNT="3", SIGN_IN_FAILURES_PER_ADDRESS="5")
        assert http.post(REGISTER, json=DAVE).status_code == 201
        return http

    def test_after_so_many_failures_the_right_password_is_refused_too(self, http: Http) -> None:
        for _ in range(3):
            problem(sign_in(http), 401, "unauthenticated")
        assert 1 <= refused(sign_in(http)) <= 60
        assert 1 <= refused(sign_in(http, password="long enough")) <= 60

    def test_an_unknown_user_is_refused_alike(self, http: Http) -> None:
        for _ in range(3):
            problem(sign_in(http, "nobody"), 401, "unauthenticated")
        refused(sign_in(http, "nobody"))

    def test_success_costs_nothing(self, http: Http) -> None:
        for _ in range(10):
            assert sign_in(http, password="long enough").status_code == 200

    def test_failures_of_one_user_are_not_another_ones(self, http: Http) -> None:
        for _ in range(4):
            sign_in(http, "nobody")
        assert sign_in(http, password="long enough").status_code == 200

    def test_one_address_is_slowed_over_all_users(self, http: Http) -> None:
        for number in range(5):
            problem(sign_in(http, f"user{number}"), 401, "unauthenticated")
        refused(sign_in(http, password="long enough"))

    def test_the_same_name_in_another_spelling_is_the_same_account(self, http: Http) -> None:
        for spelling in ("Jos\u00e9", "Jose\u0301", "Jos\u00e9"):
            problem(sign_in(http, spelling), 401, "unauthenticated")
        refused(sign_in(http, "Jose\u0301"))

    def test_an_illegal_name_is_refused_without_work(self, http: Http) -> None:
        for name in ("x" * 65, "da", "a b", "\x00\x00\x00"):
            problem(sign_in(http, name), 400, "invalid_request")

    def test_a_token_works_on(self, http: Http) -> None:
        for _ in range(4):
            sign_in(http)
        assert http.poll(user="dave", mailbox="dave").status_code == 200

    def test_a_header_changes_no_address(self, http: Http) -> None:
        for number in range(5):
            sign_in(http, f"user{number}", **{"X-Forwarded-For": f"192.0.2.{number}"})
        refused(sign_in(http, password="long enough", **{"X-Forwarded-For": "192.0.2.9"}))

    def test_behind_a_trusted_proxy_the_last_address_it_names_counts(self, world: World) -> None:
        http = Http(world, SIGN_IN_FAILURES_PER_ADDRESS="2", TRUSTED_PROXIES="1")
        for number in range(2):
            claimed = f"198.51.100.{number}, 192.0.2.1"
            problem(sign_in(http, f"user{number}", **{"X-Forwarded-For": claimed}), 401, "unauthenticated")
        refused(sign_in(http, "user9", **{"X-Forwarded-For": "198.51.100.9, 192.0.2.1"}))
        problem(sign_in(http, "user9", **{"X-Forwarded-For": "192.0.2.2"}), 401, "unauthenticated")


class TestFilling:
    @pytest.fixture
    def http(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Http:
        stopped_s = time.time()
        monkeypatch.setattr(
            time, "time", lambda: stopped_s
        )  # else a minute ends between two sends, now and then
        return Http(
            world,
            REGISTRATIONS_PER_ADDRESS="3",
            SENDS_PER_SENDER="4",
            SENDS_PER_ADDRESS="6",
            TRUSTED_PROXIES="1",
        )

    def register(self, http: Http, name: str, address: str = "192.0.2.1") -> TestResponse:
        body = {"username": name, "password": "long enough"}
        return http.post(REGISTER, json=body, headers={"X-Forwarded-For": address})

    def send(self, http: Http, user: str = "alice", address: str = "192.0.2.1", **body: Any) -> TestResponse:
        body = {"to_username": "bob", "content": "hi"} | body
        return http.post(MESSAGES, user=user, json=body, headers={"X-Forwarded-For": address})

    def test_an_address_may_register_so_many(self, http: Http, world: World) -> None:
        for name in ("dan", "dora", "dan"):
            assert self.register(http, name).status_code in (201, 409)
        refused = self.register(http, "eve")
        problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 3601
        assert "eve" not in world.store.users
        assert self.register(http, "eve", "192.0.2.2").status_code == 201

    def test_what_breaks_a_rule_is_no_registration(self, http: Http) -> None:
        for name in ("x", "a b", "x" * 65) * 2:
            problem(self.register(http, name), 400, "invalid_request")
        assert self.register(http, "dan").status_code == 201

    def test_a_sender_may_send_so_many_and_others_go_on(self, http: Http, world: World) -> None:
        for _ in range(4):
            assert self.send(http, address="192.0.2.7").status_code == 200
        refused = self.send(http)
        problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 61
        assert len(world.store.messages) == 4
        assert self.send(http, "carol").status_code == 200
        assert http.poll().get_json()["count"] == 5

    @pytest.mark.parametrize(
        "spelling", ["203.0.113.7:{}", "[::ffff:203.0.113.7]:{}", "198.51.100.{}, 203.0.113.7", "unknown"]
    )
    def test_an_address_may_send_so_many_however_it_is_spelled(self, http: Http, spelling: str) -> None:
        statuses = [
            self.send(http, f"user{number}", spelling.format(number)).status_code for number in range(9)
        ]
        assert statuses == [200] * 6 + [429] * 3

    def test_what_breaks_a_rule_is_no_send(self, http: Http) -> None:
        for content in ("", "x" * 1001) * 4:
            assert self.send(http, content=content).status_code == 400
        assert self.send(http).status_code == 200


class TestWork:
    """What the limits of work say; what the work costs is measured in tests/edge/server/test_work.py."""

    @pytest.mark.parametrize("size", [257, 40_000])
    def test_a_name_that_is_too_long_in_any_form_is_not_composed(self, http: Http, size: int) -> None:
        name = "a" + "\u0301" * (size - 1)
        for response in (
            sign_in(http, name),
            http.post(REGISTER, json={"username": name, "password": "long enough"}),
            http.send(to=name),
            http.send(from_username=name),
        ):
            assert f"not {size}" in problem(response, 400, "invalid_request")["detail"]

    def test_a_name_that_is_long_only_while_decomposed_is_right(self, http: Http) -> None:
        name = "\u1f82" * 64
        decomposed = unicodedata.normalize("NFD", name)
        assert len(decomposed) == 256
        created = http.post(REGISTER, json={"username": decomposed, "password": "long enough"})
        assert created.get_json() == {"username": name}

    def test_an_illegal_password_is_not_hashed(self, http: Http) -> None:
        problem(sign_in(http, "nobody", "x" * 129), 400, "invalid_request")
        problem(sign_in(http, "nobody", "x" * 128), 401, "unauthenticated")

    @pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 400)])
    def test_a_form_has_so_many_fields_at_most(self, http: Http, count: int, status: int) -> None:
        form = "to_username=bob&content=hi" + "&a=b" * (count - 2)
        kind = "application/x-www-form-urlencoded"
        assert http.post(MESSAGES, user="alice", data=form, content_type=kind).status_code == status

    def test_a_form_of_parts_has_so_many_at_most(self, http: Http) -> None:
        data = {"to_username": "bob", "content": "hi"} | {f"field{number}": "x" for number in range(98)}
        kind = "multipart/form-data"
        assert http.post(MESSAGES, user="alice", data=data, content_type=kind).status_code == 200
        data["one_more"] = "x"
        assert http.post(MESSAGES, user="alice", data=data, content_type=kind).status_code == 413


class TestHeaders:
    @pytest.mark.parametrize("path", ["/health/live", "/nowhere", f"{MESSAGES}/poll/bob"])
    def test_no_answer_is_taken_for_a_page_or_a_script(self, http: Http, path: str) -> None:
        headers = http.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Referrer-Policy"] == "no-referrer"

    def test_a_page_of_another_site_gets_no_leave_to_read(self, http: Http) -> None:
        headers = http.get("/health/live", headers={"Origin": "https://elsewhere.example"}).headers
        assert not [name for name, _ in headers if name.lower().startswith("access-control-")]


class TestBodies:
    def test_an_oversized_one_is_not_read(self, http: Http) -> None:
        body = b'{"to_username": "bob", "content": "' + b"x" * 300_000 + b'"}'
        response = http.post(MESSAGES, user="alice", data=body, content_type="application/json")
        assert "262,144" in problem(response, 413, "request_entity_too_large")["detail"]

    def test_nor_is_one_that_does_not_say_how_large_it_is(self, http: Http) -> None:
        response = http.post(
            MESSAGES,
            user="alice",
            headers={"Transfer-Encoding": "chunked"},
            content_type="application/json",
            environ_overrides={"wsgi.input": _Endless(), "wsgi.input_terminated": True},
        )
        problem(response, 413, "request_entity_too_large")

    @pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
    @pytest.mark.parametrize("is_chunked", [False, True])
    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("json", b'{"to_username": "bob", "content": "hi"}'),
            ("x-www-form-urlencoded", b"to_username=bob&content=hi&padding="),
        ],
    )
    def test_the_limit_is_the_same_for_every_kind(
        self, http: Http, world: World, kind: str, body: bytes, is_chunked: bool, size: int
    ) -> None:
        padded = io.BytesIO(body.ljust(size))
        response = http.post(
            MESSAGES,
            user="alice",
            input_stream=padded,
            content_length=None if is_chunked else size,
            headers={"Transfer-Encoding": "chunked"} if is_chunked else {},
            content_type=f"application/{kind}",
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert response.status_code == (200 if size == MAX_BODY_BYTES else 413), response.text
        assert len(world.store.messages) == (size == MAX_BODY_BYTES)


class _Endless(io.RawIOBase):
    """A chunked body without an end."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.given += len(buffer)
        assert self.given < 1_000_000, "far more was read than is legal"
        buffer[:] = b"x" * len(buffer)
        return len(buffer)
