"""The WSGI app on the breakable stores, called without a socket."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from reference_server.app import Adapters, assemble
from reference_server.auth import Tokens
from reference_server.config import Config
from reference_server.known_heads import KnownHeads
from tests.unit.server.world import World

SECRET = "a secret of at least thirty-two bytes"
MESSAGES = "/api/users/messages"


class Http:
    """Calls the app; `user` signs the call as this user."""

    def __init__(self, world: World, **settings: str) -> None:
        self.config = Config.from_env({"SECRET_KEY": SECRET, "QUEUE_LIMIT": "5", **settings})
        known_heads = KnownHeads(world.clock.monotonic)
        world.subscribe(known_heads)
        adapters = Adapters(world.queue, world.store, world.store, world.store, world.notifier, known_heads)
        app, self.relay, _ = assemble(self.config, adapters, offload=lambda work: work())
        self.relay.step()
        self.client = app.test_client()
        self.tokens = Tokens(SECRET, lifetime_s=60)

    def call(self, method: str, path: str, *, user: str | None = None, **options: Any) -> TestResponse:
        headers = options.pop("headers", {})
        if user is not None:
            headers["Authorization"] = f"Bearer {self.tokens.issue(user).token}"
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.call("POST", path, **options)

    def send(
        self, content: Any = "hi", *, user: str = "alice", to: Any = "bob", **fields: Any
    ) -> TestResponse:
        body = {"to_username": to, "content": content} | fields
        return self.post(MESSAGES, user=user, json=body)

    def poll(self, query: str = "", *, user: str = "bob", mailbox: str = "bob") -> TestResponse:
        return self.get(f"{MESSAGES}/poll/{mailbox}{query}", user=user)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem in the answer, which must be a complete one (RFC 9457 and the contract)."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    body = response.get_json(force=True)
    assert isinstance(body, dict)
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"].endswith((".", "-"))
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert ("Retry-After" in response.headers) == (status in (429, 503))
    assert response.headers["Cache-Control"] == "no-store"
    return body
