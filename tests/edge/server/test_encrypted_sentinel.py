"""Redis and sentinels that speak TLS alone, with passwords and names of hosts; a failover changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.stack import Services
from harness.stack.sentinel import SERVICE
from harness.stack.waiting import free_port, wait_until
from tests.edge.server.encrypted import (
    NAME,
    PASSWORD,
    SENTINELS_PASSWORD,
    Authority,
    Encrypted,
    chatting,
    hurry,
    node,
    require_left_to_mongodb,
    require_that_a_notice_wakes,
    sentinel,
    speaks_ipv6,
)
from tests.edge.server.process import ready


class Watched:
    """A primary, a replica and two sentinels, one of them at an IPv6 address where there are any."""

    def __init__(self, binary: Path, folder: Path, exit_stack: ExitStack) -> None:
        self.authority = Authority(folder)
        certificates = self.authority.issue(NAME)
        self.primary = node(binary, folder, certificates, "redis-1")
        self._begin(exit_stack, self.primary)
        follows = ("--replicaof", NAME, str(self.primary.address[1]))
        self.replica = node(binary, folder, certificates, "redis-2", *follows)
        self._begin(exit_stack, self.replica)
        self.sentinels: list[Encrypted] = []
        for number, host in enumerate((NAME, "::1" if speaks_ipv6() else NAME), 1):
            one = sentinel(
                binary,
                folder,
                self.authority.issue(host),
                f"sentinel-{number}",
                primary=self.primary,
                host=host,
            )
            self._begin(exit_stack, one)
            hurry(one)
            self.sentinels.append(one)

    def named(self, *, sentinels_password: str = SENTINELS_PASSWORD, trusted: bool = True) -> str:
        """The URL: the first sentinel of it is not there."""
        places = ",".join([f"{NAME}:{free_port()}", *(one.place for one in self.sentinels)])
        words = [f"sentinel_password={quote(sentinels_password, safe='')}"]
        words += [f"ssl_ca_certs={self.authority.quoted}"] if trusted else []
        return f"rediss+sentinel://:{quote(PASSWORD, safe='')}@{places}/{SERVICE}/0?{'&'.join(words)}"

    def all_name(self, one: Encrypted) -> bool:
        """Whether every sentinel names this Redis, by the name of its host."""
        words = ("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE)
        return all(
            each.ask(*words) in ((NAME, one.address[1]), [NAME, str(one.address[1])])
            for each in self.sentinels
        )

    def knows_replica(self) -> bool:
        return all(each.ask("SENTINEL MASTER", SERVICE)["num-slaves"] == 1 for each in self.sentinels)

    @staticmethod
    def _begin(exit_stack: ExitStack, process: Encrypted) -> None:
        exit_stack.callback(process.kill)
        process.start()


@pytest.fixture
def watched(encrypting: Path, tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as exit_stack:
        yield Watched(encrypting, tmp_path, exit_stack)


def test_sends_polls_and_notices_go_on_after_a_failover(
    services: Services, watched: Watched, tmp_path: Path
) -> None:
    with chatting(services, tmp_path, REDIS_URL=watched.named()) as (server, chat):
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=20, what="Redis to be used")
        require_that_a_notice_wakes(chat)
        wait_until(watched.knows_replica, deadline_s=30, what="the sentinels to know the replica")
        watched.primary.kill()
        wait_until(lambda: watched.all_name(watched.replica), deadline_s=60, what="the replica's promotion")
        wait_until(lambda: not chat.poll().body["degraded"], deadline_s=20, what="the new primary to be used")
        require_that_a_notice_wakes(chat)
        assert chat.read_all() == chat.acked


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sentinels_password": "another"}, "invalid username-password pair"),
        ({"trusted": False}, "certificate verify failed"),
    ],
    ids=["password", "authority"],
)
def test_sentinels_that_do_not_let_in_or_are_not_trusted_leave_it_to_mongodb(
    services: Services, watched: Watched, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    with chatting(services, tmp_path, REDIS_URL=watched.named(**wrong)) as (server, chat):
        require_left_to_mongodb(server, chat, because=said)
        assert [content for content in chat.read_all() if content not in chat.unknown] == chat.acked
