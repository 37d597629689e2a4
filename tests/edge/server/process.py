"""The server as a process of its own on real stores, through proxies that can be broken."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import urllib3

from harness.client import Answer, Client
from harness.client.variety.variety import Manner
from harness.stack import Services
from harness.stack.target_process import ANY_PORT, Target
from harness.stack.waiting import wait_until

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "reference_server"]
SECRET = "a secret of at least thirty-two bytes"
HIGH_LIMITS = dict.fromkeys(("REGISTRATIONS_PER_ADDRESS", "SENDS_PER_SENDER", "SENDS_PER_ADDRESS"), "1000000")
"""Tests are many users at one address, and fast ones."""
BOUND_S = 1.0
"""The contract's bound for an answer while a store fails (contract: Under faults)."""
RECOVERS_S = 2.0


def target(
    services: Services,
    folder: Path,
    *,
    command: Sequence[str] = COMMAND,
    port: int | None = None,
    **env: str,
) -> Target:
    """A server with two workers and a database of its own; not started. Without `port`, at a free one."""
    environment = {
        "PORT": "{port}",
        "SECRET_KEY": SECRET,
        "REDIS_URL": services.redis_url,
        "MONGODB_URL": services.mongodb_url,
        "MONGODB_DATABASE": f"test-{uuid.uuid4().hex[:12]}",
    } | HIGH_LIMITS
    return Target(
        command,
        ready_path="/health/live",
        base_url=ANY_PORT if port is None else f"http://127.0.0.1:{port}",
        log=folder / "server.log",
        env=environment | env,
        cwd=ROOT,
    )


def ready(base_url: str) -> dict[str, Any]:
    """What the readiness page says."""
    with urllib3.PoolManager(retries=False, timeout=5.0) as http:
        return dict(http.request("GET", f"{base_url}/health/ready").json())


class Chat:
    """Two new users and what one sends to the other."""

    def __init__(self, base_url: str) -> None:
        unique = uuid.uuid4().hex[:8]
        self.base_url = base_url
        self.alice, self.bob = (
            Client(base_url, f"{name}-{unique}", "long enough") for name in ("alice", "bob")
        )
        for user in (self.alice, self.bob):
            assert user.register().status == 201
            assert user.sign_in().status == 200
        self.count = 0
        self.acked: list[str] = []
        self.unknown: list[str] = []
        self.slowest_s = 0.0

    def close(self) -> None:
        self.alice.close()
        self.bob.close()

    def send(self, client_message_id: str | None = None) -> Answer:
        self.count += 1
        content = f"no. {self.count}"
        answer = self.alice.send(self.bob.username, Manner(content, client_message_id))
        if answer.status == 200:
            self.acked.append(content)
        elif answer.body.get("outcome") != "not_stored":
            self.unknown.append(content)
        self.slowest_s = max(self.slowest_s, answer.seconds)
        return answer

    def poll(self, since: str | None = None, **parameters: str) -> Answer:
        answer = self.bob.poll(parameters | ({} if since is None else {"since": since}))
        self.slowest_s = max(self.slowest_s, answer.seconds)
        return answer

    def read_all(self) -> list[str]:
        """Every message of bob's mailbox, by a new chain of polls."""
        contents: list[str] = []
        since = None
        while True:
            answer = self.poll(since)
            assert answer.status == 200, answer
            contents += [message["message"] for message in answer.body["messages"]]
            since = answer.body["next_since"]
            if not answer.body["has_more"]:
                return contents

    def works_normally(self) -> bool:
        """Whether a send is queued and a poll answered by Redis, as many times as both workers need."""
        return all(
            self.send().body.get("queued") and self.poll().body.get("source") == "redis" for _ in range(10)
        )

    def wait_until_it_works_normally(self) -> None:
        wait_until(self.works_normally, deadline_s=RECOVERS_S, what="sends to be queued and polls from Redis")

    def check_nothing_is_lost_doubled_or_reordered(self) -> None:
        delivered = self.read_all()
        assert len(delivered) == len(set(delivered))
        assert [content for content in delivered if content not in self.unknown] == self.acked
