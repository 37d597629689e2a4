"""A Redis Cluster whose nodes announce names of hosts, to a server that speaks TLS and has a password."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.stack import Services
from harness.stack.redis_cluster import PRIMARIES, RedisCluster
from harness.stack.waiting import free_port, wait_until
from tests.edge.server.encrypted import (
    NAME,
    Authority,
    chatting,
    require_left_to_mongodb,
    require_that_a_notice_wakes,
)
from tests.edge.server.process import ready


class EncryptedCluster:
    """The nodes have a port for TLS beside that of the harness, and a user for the server."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.authority = Authority(folder)
        self._options = self.authority.issue(NAME).options
        self.ports = [free_port() for _ in range(2 * PRIMARIES)]
        self.nodes = RedisCluster(binary, folder=folder, logs=folder, options=self._of)

    def url(self, *, password: str = "p%25w", authority: str = "") -> str:
        hosts = ",".join(f"{NAME}:{port}" for port in self.ports[:2])
        trusted = authority or self.authority.quoted
        return f"rediss+cluster://chat:{password}@{hosts}/?ssl_ca_certs={trusted}"

    def _of(self, at: int) -> Sequence[str]:
        user = ["--user", "chat", "on", ">p%w", "~*", "&*", "+@all"]
        named = ["--cluster-announce-hostname", NAME, "--cluster-preferred-endpoint-type", "hostname"]
        # Without the second, Redis 7.0 names the other port to clients that speak TLS.
        return ["--tls-port", str(self.ports[at]), "--tls-cluster", "yes", *self._options, *user, *named]


@pytest.fixture
def cluster(encrypting: Path, tmp_path: Path) -> Iterator[EncryptedCluster]:
    cluster = EncryptedCluster(encrypting, tmp_path)
    try:
        cluster.nodes.start()
        yield cluster
    finally:
        cluster.nodes.kill()


def test_sends_polls_and_notices_go_on_after_a_node_was_replaced(
    services: Services, cluster: EncryptedCluster, tmp_path: Path
) -> None:
    with chatting(services, tmp_path, REDIS_URL=cluster.url()) as (server, chat):
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=20, what="Redis to be used")
        require_that_a_notice_wakes(chat)
        cluster.nodes.primary_of(chat.bob.username).kill()
        cluster.nodes.await_serving()
        wait_until(lambda: not chat.poll().body["degraded"], deadline_s=20, what="the replica to be used")
        require_that_a_notice_wakes(chat)
        assert chat.read_all() == chat.acked


def test_a_wrong_password_leaves_it_to_mongodb(
    services: Services, cluster: EncryptedCluster, tmp_path: Path
) -> None:
    with chatting(services, tmp_path, REDIS_URL=cluster.url(password="another")) as (server, chat):
        require_left_to_mongodb(server, chat, because="invalid username-password pair")
