"""A MongoDB replica set of three, with one way in for its members and another one for clients.

Each member announces two addresses, and each leads through a proxy. Which of them is announced depends on the
name that is asked for over TLS: MongoDB calls that horizons. Clients speak TLS, members do not
(`--tlsMode allowTLS`). So a member can be cut off from the others and not from the clients.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.errors import InfrastructureError
from harness.stack.network import Network
from harness.stack.probe import Address, ask_mongodb
from harness.stack.proxies import proxy_on_free_port
from harness.stack.server_process import HOST, ServerProcess
from harness.stack.toxics import Proxy, ProxyServer
from harness.stack.waiting import wait_until

NAME = "rs0"
CLIENTS_NAME = "localhost"
"""The name that clients ask for over TLS; an IP address would not be sent."""
ELECTION_TIMEOUT_MS = 2000
"""The default is 10 s. Below 2 s a busy machine alone can cause an election."""
HEARTBEAT_MS = 500
COMMITS_WITHIN_MS = 400
SETTLES_WITHIN_S = 30.0
_PRIMARY, _SECONDARY = 1, 2
"""MongoDB's numbers for the states of a member."""


class Member(ServerProcess):
    """One mongod of a replica set. It is ready as soon as it answers, in any state."""

    def __init__(self, binary: Path, number: int, *, folder: Path, log: Path, certificate: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        place = ["--bind_ip", HOST, "--port", "{port}", "--dbpath", str(folder), "--nounixsocket"]
        small = (
            "--wiredTigerCacheSizeGB 0.25 --oplogSize 64 --setParameter diagnosticDataCollectionEnabled=false"
        )
        tls = ["--tlsMode", "allowTLS", "--tlsCertificateKeyFile", str(certificate)]
        command = [str(binary), "--replSet", NAME, *place, *small.split(), *tls]
        super().__init__(f"mongod {number}", command, log=log)
        self.number = number
        self._folder = folder
        self.network: Network | None = None
        """Set before its start if it is to be cut off from what it calls."""

    def launch(self) -> None:
        """See ServerProcess."""
        if self.network is not None:
            self.network.begin()
            self.under = self.network.words
        super().launch()

    def ready(self) -> bool:
        """Return whether it answers."""
        return bool(self.ask({"hello": 1}).get("ok"))

    def is_primary(self) -> bool:
        """Return whether it takes itself for the primary; False while it does not answer."""
        if self.paused or not self.running:
            return False
        try:
            return bool(self.ask({"hello": 1}, timeout_s=1.0).get("isWritablePrimary"))
        except OSError:
            return False

    def has_rolled_back(self) -> bool:
        """Return whether it has undone writes: it keeps them in files."""
        return any(self._folder.glob("rollback/*/*.bson"))

    def lose_data(self) -> None:
        """Kill it, and delete all its data."""
        self.kill()
        shutil.rmtree(self._folder)
        self._folder.mkdir()

    def commits(self) -> bool:
        """Return whether it takes a write and a majority confirms it in time."""
        note = {"appendOplogNote": 1, "data": {"probe": 1}}
        majority = {"w": "majority", "wtimeout": COMMITS_WITHIN_MS}
        try:
            answer = self.ask({**note, "writeConcern": majority}, timeout_s=2 * COMMITS_WITHIN_MS / 1000)
        except OSError:
            return False
        return bool(answer.get("ok")) and "writeConcernError" not in answer

    def ask(self, command: dict[str, Any], *, timeout_s: float = 5.0) -> dict[str, Any]:
        """Run a command on `admin`, past all proxies. Raise OSError when there is no answer."""
        return ask_mongodb(self.address, command, timeout_s=timeout_s)


@dataclass(frozen=True)
class Ways:
    """The proxies in front of one member."""

    members: Proxy
    clients: Proxy


class ReplicaSet:
    """The members, and the ways to each. Their data are in `folder`, their output is in `logs`."""

    def __init__(
        self,
        binary: Path,
        control: ProxyServer,
        *,
        folder: Path,
        logs: Path,
        size: int = 3,
        divisible: bool = False,
    ) -> None:
        self._control = control
        self._authority = folder / "authority.pem"
        certificate = folder / "certificate.pem"
        _make_certificate(self._authority, certificate)
        self.members = [
            Member(
                binary,
                number,
                folder=folder / f"mongod-{number}",
                log=logs / f"mongod-{number}.log",
                certificate=certificate,
            )
            for number in range(1, size + 1)
        ]
        if divisible:
            for member in self.members:
                member.network = Network(folder / f"network-{member.number}")
        self.ways: dict[Member, Ways] = {}

    @property
    def url(self) -> str:
        """The URL for clients: through the proxies, with the certificate to trust."""
        hosts = ",".join(_host(CLIENTS_NAME, self.ways[member].clients.listen) for member in self.members)
        authority = quote(str(self._authority), safe="")
        return f"mongodb://{hosts}/?replicaSet={NAME}&tls=true&tlsCAFile={authority}"

    def start(self) -> None:
        """Start all members side by side and make them one set. Raise what ServerProcess.start raises."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.await_ready()
            self.ways[member] = Ways(self._proxy(member, "members"), self._proxy(member, "clients"))
        self._initiate()
        self.await_whole()

    def stop(self) -> None:
        """End all members and remove the proxies."""
        for member in self.members:
            member.kill()
        for ways in self.ways.values():
            ways.members.destroy()
            ways.clients.destroy()

    def primary(self) -> Member | None:
        """Return the member that commits writes, if there is one: an outdated primary does not."""
        return next((member for member in self.members if member.is_primary() and member.commits()), None)

    def the_primary(self) -> Member:
        """Wait for a primary and return it. Raise DeadlineMissed."""
        primary = wait_until(self.primary, deadline_s=SETTLES_WITHIN_S, what="a primary of the replica set")
        assert primary is not None
        return primary

    def await_primary(self) -> None:
        """Wait for a primary. Raise DeadlineMissed."""
        self.the_primary()

    def secondaries(self) -> Sequence[Member]:
        """Return all members but the primary."""
        primary = self.the_primary()
        return [member for member in self.members if member is not primary]

    def divide(self, member: Member) -> None:
        """Cut a member off from the others, in both directions, and not from clients."""
        assert member.network is not None, "the set is divisible"
        member.network.cut()
        self.ways[member].members.disable()
        for other, ways in self.ways.items():
            if other is not member:  # what is open goes, too; the others open theirs again
                ways.members.disable()
                ways.members.heal()

    def rejoin(self) -> None:
        """Open all ways, start or continue each member, and wait until the set is whole."""
        for member, ways in self.ways.items():
            ways.members.heal()
            ways.clients.heal()
            if member.network is not None and member.running:
                member.network.work()
            if member.paused:
                member.resume()
        ended = [member for member in self.members if not member.running]
        for member in ended:
            member.launch()
        for member in ended:
            member.await_ready()
        self.await_whole()

    def await_whole(self) -> None:
        """Wait until one member is the primary and all others follow it. Raise DeadlineMissed."""
        wait_until(self._is_whole, deadline_s=SETTLES_WITHIN_S, what="all members of the replica set")

    def _is_whole(self) -> bool:
        primary = self.primary()
        if primary is None:
            return False
        status = primary.ask({"replSetGetStatus": 1})
        states = sorted(member["state"] for member in status["members"])
        # Each member's own word counts as well: what the primary knows of the others is half a second old.
        own = [member.ask({"hello": 1}) for member in self.members if member is not primary]
        follow = all(each.get("secondary") for each in own)
        return follow and states == [_PRIMARY] + [_SECONDARY] * (len(self.members) - 1)

    def _initiate(self) -> None:
        members = [
            {
                "_id": member.number,
                "host": _host(HOST, self.ways[member].members.listen),
                "horizons": {"clients": _host(CLIENTS_NAME, self.ways[member].clients.listen)},
            }
            for member in self.members
        ]
        settings = {
            "electionTimeoutMillis": ELECTION_TIMEOUT_MS,
            "heartbeatIntervalMillis": HEARTBEAT_MS,
            "chainingAllowed": False,  # else one that hangs can hold up another that copies from it
        }
        config = {"_id": NAME, "members": members, "settings": settings}
        answer = self.members[0].ask({"replSetInitiate": config}, timeout_s=SETTLES_WITHIN_S)
        if not answer.get("ok"):
            raise InfrastructureError(f"The replica set was not made: {answer.get('errmsg', answer)}.")

    def _proxy(self, member: Member, way: str) -> Proxy:
        return proxy_on_free_port(self._control, f"{member.name} {way}".replace(" ", "-"), member.address)


def _make_certificate(authority: Path, certificate: Path) -> None:
    """Write a new authority, and a certificate of it for CLIENTS_NAME together with its key."""
    import trustme  # an import of a fifth of a second, for rows with a replica set alone

    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(str(authority))
    issuer.issue_cert(CLIENTS_NAME).private_key_and_cert_chain_pem.write_to_path(str(certificate))


def _host(name: str, address: Address) -> str:
    return f"{name}:{address[1]}"
