"""What every answer carries, what unknown paths and bugs are answered, sign-in, and the health page."""

from __future__ import annotations

import logging

import pytest

from reference_server.errors import Misconfigured, QueueUnavailable
from tests.unit.server.http_app import Http, problem
from tests.unit.server.world import World

REGISTER, LOGIN = "/api/users/register", "/api/users/login"


class TestEveryAnswer:
    @pytest.mark.parametrize(
        "path", ["/health/live", "/health/ready", "/nowhere", "/api/users/messages/poll/bob"]
    )
    def test_it_has_an_id_and_is_kept_by_no_cache(self, http: Http, path: str) -> None:
        one, two = http.get(path), http.get(path)
        assert one.headers["Cache-Control"] == "no-store"
        assert one.headers["X-Request-Id"]
        assert one.headers["X-Request-Id"] != two.headers["X-Request-Id"]

    def test_a_clients_own_request_id_is_kept(self, http: Http) -> None:
        response = http.get("/nowhere", headers={"X-Request-Id": "from-my.proxy_1"})
        assert response.headers["X-Request-Id"] == "from-my.proxy_1"
        assert problem(response, 404, "not_found")["request_id"] == "from-my.proxy_1"

    @pytest.mark.parametrize("strange", ["", "x" * 65, "a b", "<script>", "ä", "a\tb"])
    def test_a_strange_one_is_replaced(self, http: Http, strange: str) -> None:
        response = http.get("/health/live", headers={"X-Request-Id": strange})
        assert response.headers["X-Request-Id"] != strange

    @pytest.mark.parametrize("path", ["/nowhere", "/health", "/health/live/", "/health//live"])
    def test_an_unknown_path_is_a_problem(self, http: Http, path: str) -> None:
        problem(http.get(path), 404, "not_found")

    def test_a_wrong_method_is_a_problem_that_names_the_right_ones(self, http: Http) -> None:
        response = http.get("/api/users/messages")
        problem(response, 405, "method_not_allowed")
        assert "POST" in response.headers["Allow"]

    def test_a_bug_is_a_problem_and_logged_with_its_trace(
        self, http: Http, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def bug(*_: object) -> None:
            raise ZeroDivisionError("a secret of the server")

        monkeypatch.setattr(world.queue, "read", bug)
        assert "secret" not in str(problem(http.poll(), 500, "internal_error"))
        [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert record.exc_info


class TestSignIn:
    def test_a_new_user_signs_in_and_polls(self, http: Http) -> None:
        registered = http.post(REGISTER, json={"username": "dave", "password": "long enough"})
        assert (registered.status_code, registered.get_json()) == (201, {"username": "dave"})
        response = http.post(LOGIN, json={"username": "dave", "password": "long enough"})
        assert response.status_code == 200
        body = response.get_json()
        assert set(body) == {"token", "username", "expires_at"}
        assert body["expires_at"].endswith("Z")
        headers = {"Authorization": f"Bearer {body['token']}"}
        assert http.get("/api/users/messages/poll/dave", headers=headers).status_code == 200

    def test_a_name_is_taken_once(self, http: Http) -> None:
        user = {"username": "dave", "password": "long enough"}
        http.post(REGISTER, json=user)
        problem(http.post(REGISTER, json=user), 409, "username_taken")

    def test_one_name_is_one_user_however_it_was_typed(self, http: Http) -> None:
        composed, decomposed = "Jos\u00e9", "Jose\u0301"
        http.post(REGISTER, json={"username": decomposed, "password": "long enough"})
        problem(http.post(REGISTER, json={"username": composed, "password": "x" * 8}), 409, "username_taken")
        response = http.post(LOGIN, json={"username": decomposed, "password": "long enough"})
        assert response.get_json()["username"] == composed
        assert http.send(to=decomposed).status_code == 200
        assert http.poll(user=composed, mailbox=decomposed).get_json()["count"] == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"username": "dave"},
            {"password": "long enough"},
            {"username": "da", "password": "long enough"},
            {"username": "d" * 65, "password": "long enough"},
            {"username": "da ve", "password": "long enough"},
            {"username": "dave\n", "password": "long enough"},
            {"username": "da:ve", "password": "long enough"},
            {"username": "da/ve", "password": "long enough"},
            {"username": "da\u202eve", "password": "long enough"},
            {"username": {"$ne": None}, "password": "long enough"},
            {"username": "dave", "password": "short 7"},
            {"username": "dave", "password": "p" * 129},
            {"username": "dave", "password": 12345678},
        ],
    )
    def test_a_registration_that_breaks_a_rule_is_refused(
        self, http: Http, world: World, fields: dict[str, object]
    ) -> None:
        users = dict(world.store.users)
        problem(http.post(REGISTER, json=fields), 400, "invalid_request")
        assert world.store.users == users

    def test_an_unknown_user_looks_like_a_wrong_password(self, http: Http) -> None:
        http.post(REGISTER, json={"username": "dave", "password": "long enough"})
        wrong = problem(
            http.post(LOGIN, json={"username": "dave", "password": "long enuff"}), 401, "unauthenticated"
        )
        nobody = problem(
            http.post(LOGIN, json={"username": "eve", "password": "long enuff"}), 401, "unauthenticated"
        )
        assert wrong["detail"] == nobody["detail"]

    def test_the_password_is_kept_as_an_argon2_hash(self, http: Http, world: World) -> None:
        http.post(REGISTER, json={"username": "dave", "password": "long enough"})
        assert world.store.users["dave"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    def test_sign_in_fails_without_mongodb(self, http: Http, world: World) -> None:
        world.store.down = True
        user = {"username": "dave", "password": "long enough"}
        problem(http.post(REGISTER, json=user), 503, "unavailable")
        problem(http.post(LOGIN, json=user), 503, "unavailable")


class TestHealth:
    def test_it_lives_without_any_store(self, http: Http, world: World) -> None:
        world.queue.down = world.store.down = True
        assert http.get("/health/live").status_code == 200

    @pytest.mark.parametrize(
        ("redis_is_down", "mongodb_is_down", "status", "code"),
        [
            (False, False, "ok", 200),
            (True, False, "degraded", 200),
            (False, True, "degraded", 200),
            (True, True, "down", 503),
        ],
    )
    def test_it_is_ready_while_one_store_is_left(
        self, http: Http, world: World, redis_is_down: bool, mongodb_is_down: bool, status: str, code: int
    ) -> None:
        world.queue.down, world.store.down = redis_is_down, mongodb_is_down
        response = http.get("/health/ready")
        body = response.get_json()
        assert (response.status_code, body["status"]) == (code, status)
        assert body["stores"]["redis"] == {"status": "down" if redis_is_down else "up", "breaker": "closed"}
        assert body["stores"]["mongodb"] == {
            "status": "down" if mongodb_is_down else "up",
            "breaker": "closed",
        }
        assert ("Retry-After" in response.headers) == (code == 503)

    def test_it_tells_an_open_breaker_and_what_is_owed(self, http: Http, world: World) -> None:
        world.queue.breaker.open(QueueUnavailable("Connection refused"))
        http.send()
        body = http.get("/health/ready").get_json()
        assert body["stores"]["redis"] == {"status": "down", "breaker": "open"}
        world.queue.breaker.open(Misconfigured("the Redis user may not run INFO"))
        redis = http.get("/health/ready").get_json()["stores"]["redis"]
        assert redis == {"status": "down", "breaker": "open", "reason": "the Redis user may not run INFO"}
        assert body["owed"] == 1
