"""Stores that speak TLS alone and ask for passwords, with certificates of an authority of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
import trustme
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.stack import Services
from harness.stack.sentinel import DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS, IN_A_HURRY, SERVICE
from harness.stack.server_process import HOST, ServerProcess
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.server.process import Chat, ready, target

PATIENT = {"WORKERS": "1", "REDIS_TIMEOUT_MS": "5000", "MONGODB_TIMEOUT_MS": "5000"}
NAME = "localhost"
PASSWORD, SENTINELS_PASSWORD = "of/a@test", "of the:sentinels"
ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Certificates:
    """The files of an authority, and of a certificate for the names of one host with its key."""

    authority: Path
    both: Path

    @property
    def options(self) -> list[str]:
        """Options of Redis: TLS in every direction, with no certificates of clients."""
        files = {"cert-file": self.both, "key-file": self.both, "ca-cert-file": self.authority}
        options = {**files, "auth-clients": "no", "replication": "yes"}
        return [word for name, value in options.items() for word in (f"--tls-{name}", str(value))]


class Authority:
    """Issues certificates, and writes its own to a file."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._authority = folder, trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str) -> Certificates:
        """A certificate that is valid for these names, and no other."""
        both = self._folder / f"{names[0].replace(':', '-')}.pem"
        self._authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(both))
        return Certificates(self.file, both)

    @property
    def quoted(self) -> str:
        """Its file, in a URL."""
        return quote(str(self.file), safe="")


class Encrypted(ServerProcess):
    """A Redis, or a sentinel, that answers at `host`, over TLS and with a password."""

    def __init__(
        self, name: str, command: Sequence[str], password: str, authority: Path, *, host: str, log: Path
    ) -> None:
        super().__init__(name, command, log=log)
        self.host, self._password, self._authority = host, password, authority

    @property
    def place(self) -> str:
        """Where it is, in a URL."""
        return f"[{self.host}]:{self.address[1]}" if ":" in self.host else f"{self.host}:{self.address[1]}"

    def ready(self) -> bool:
        return bool(self.ask("PING"))

    def ask(self, *words: str) -> Any:
        """What it answers. Raise OSError if it does not answer."""
        client = redis.Redis(
            self.host,
            self.address[1],
            password=self._password,
            socket_timeout=ANSWERS_WITHIN_S,
            retry=Retry(NoBackoff(), 0),
            ssl=True,
            ssl_ca_certs=str(self._authority),
            decode_responses=True,
            protocol=2,
        )
        with closing(client):
            try:
                return client.execute_command(*words)
            except (redis.ConnectionError, redis.TimeoutError) as error:
                raise ConnectionError(str(error)) from error


def node(binary: Path, folder: Path, certificates: Certificates, name: str, *more: str) -> Encrypted:
    """A Redis that announces its name and not its address."""
    place = ["--bind", HOST, "--port", "0", "--tls-port", "{port}", "--dir", str(folder)]
    secrets = ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--replica-announce-ip", NAME]
    kept = [
        "--save",
        "",
        "--appendonly",
        "no",
        "--dbfilename",
        f"{name}.rdb",
        "--repl-diskless-sync-delay",
        "0",
    ]
    words = [str(binary), *place, *secrets, *kept, *certificates.options, *more]
    return Encrypted(name, words, PASSWORD, certificates.authority, host=NAME, log=folder / f"{name}.log")


def sentinel(
    binary: Path, folder: Path, certificates: Certificates, name: str, *, primary: Encrypted, host: str
) -> Encrypted:
    """A sentinel at a host, which names the primary as it was told to it: by its host's name."""
    settings = folder / f"{name}.conf"
    settings.write_text(
        f'requirepass "{SENTINELS_PASSWORD}"\n'
        f'sentinel sentinel-pass "{SENTINELS_PASSWORD}"\n'
        "sentinel resolve-hostnames yes\n"
        "sentinel announce-hostnames yes\n"
        f"sentinel monitor {SERVICE} {NAME} {primary.address[1]} 1\n"
        f"sentinel auth-pass {SERVICE} {PASSWORD}\n"
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
        f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}\n",
        encoding="utf-8",
    )
    place = [
        "--bind",
        HOST if host == NAME else host,
        "--port",
        "0",
        "--tls-port",
        "{port}",
        "--dir",
        str(folder),
    ]
    words = [str(binary), str(settings), "--sentinel", *place, *certificates.options]
    log = folder / f"{name}.log"
    return Encrypted(name, words, SENTINELS_PASSWORD, certificates.authority, host=host, log=log)


def hurry(one: Encrypted) -> None:
    """Let a sentinel ask and tell often."""
    one.ask("SENTINEL DEBUG", *(str(word) for pair in IN_A_HURRY.items() for word in pair))


def speaks_ipv6() -> bool:
    """Whether this machine has ::1."""
    try:
        with socket.socket(socket.AF_INET6) as listener:
            listener.bind(("::1", 0))
    except OSError:
        return False
    return True


@contextmanager
def chatting(services: Services, folder: Path, **settings: str) -> Iterator[tuple[Target, Chat]]:
    """A patient server with these settings, and two users of it; ended, whatever happens."""
    server = target(services, folder, **PATIENT, **settings)
    server.start()
    try:
        with closing(Chat(server.base_url)) as chat:
            yield server, chat
    finally:
        server.stop()


def require_left_to_mongodb(server: Target, chat: Chat, *, because: str) -> None:
    """Redis cannot be used, and the log says why, without the wrong password."""
    wait_until(lambda: chat.send().status == 200, deadline_s=20, what="MongoDB to be used")
    assert chat.send().body["queued"] is False
    assert chat.poll().body["degraded"]
    assert ready(server.base_url)["stores"]["redis"]["status"] == "down"
    log = server.log.read_text(encoding="utf-8")
    assert because in log
    assert "another" not in log


def require_that_a_notice_wakes(chat: Chat) -> None:
    """A held poll is answered when a message comes, and not first when it looks again by itself."""
    since = chat.poll().body["next_since"] or None
    while since and chat.poll(since).body["has_more"]:
        since = chat.poll(since).body["next_since"]
    since = chat.poll(since).body["next_since"] or None
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(lambda: chat.bob.poll({"wait": "20"} | ({"since": since} if since else {})))
        assert chat.send().body["queued"]
        answer = held.result()
    assert answer.body["source"] == "redis"
    assert [message["message"] for message in answer.body["messages"]] == chat.acked[-1:]
    assert answer.seconds < 10
