"""A Redis primary with two replicas, and three Redis Sentinels that watch them.

Sentinels and replicas sign in at the primary as users of their own. So a primary can be cut off from them,
and not from clients, by switching these users off: no proxy is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.errors import InfrastructureError
from harness.stack.probe import Address
from harness.stack.programs import Redis
from harness.stack.server_process import HOST, ServerProcess
from harness.stack.waiting import wait_until

SERVICE = "chat"
NODES = SENTINELS = 3
DOWN_AFTER_MS = 1000
"""Sentinel's default is 30 s. Much less, and a busy machine alone causes failovers."""
FAILOVER_TIMEOUT_MS = 3000
IN_A_HURRY = {
    "info-period": 200,
    "publish-period": 300,  # usually sentinels find one another after 2 s, and demote a primary after 8 s
    "ask-period": 200,
    "min-link-reconnect-period": 500,  # usually a node that lets sentinels in again is noticed after 15 s
    "tilt-trigger": 20_000,  # usually a sentinel that a busy machine lets wait for 2 s does nothing for 30 s
}
"""Settings for tests, in ms."""
SETTLES_WITHIN_S = 40.0
ANSWERS_WITHIN_S = 2.0
USUAL_PRIORITY, NEVER_PROMOTED = 100, 0
_PASSWORD = "of-a-test"
_SENTINEL, _REPLICA = "sentinel", "replica"


class Node(Redis):
    """One Redis, primary or replica."""

    def __init__(
        self, binary: Path, number: int, *, folder: Path, log: Path, options: Sequence[str] = ()
    ) -> None:
        users = [
            *("--requirepass", _PASSWORD, "--masteruser", _REPLICA, "--masterauth", _PASSWORD),
            *("--user", _SENTINEL, "on", f">{_PASSWORD}", "~*", "&*", "+@all"),
            *("--user", _REPLICA, "on", f">{_PASSWORD}", "+psync", "+replconf", "+ping"),
        ]
        super().__init__(binary, folder=folder, log=log, options=[*users, *options])
        self.name = f"redis {number}"

    def ready(self) -> bool:
        """Return whether it answers."""
        return bool(self.ask("PING"))

    def role(self) -> str:
        """Return 'master' or 'slave'; '' while it does not answer."""
        return str(self._replication().get("role", ""))

    def replicas(self) -> int:
        """Return how many replicas are connected to it; 0 while it does not answer."""
        return int(self._replication().get("connected_slaves", 0))

    def follows_closely(self) -> bool:
        """Return whether it is a replica with all data of a primary that it reaches."""
        return self._replication().get("master_link_status") == "up"

    def cut_off(self, *, sentinels: bool) -> None:
        """Let no replica in any more, and with `sentinels` no sentinel either; clients notice nothing."""
        for user in (_REPLICA, *([_SENTINEL] if sentinels else [])):
            self.ask("ACL", "SETUSER", user, "off")
            self.ask("CLIENT", "KILL", "USER", user)
        self.ask("CLIENT", "KILL", "TYPE", "replica")

    def let_in(self) -> None:
        """Let replicas and sentinels in again."""
        for user in (_REPLICA, _SENTINEL):
            self.ask("ACL", "SETUSER", user, "on")

    def ask(self, *words: str) -> Any:
        """Return the answer to a command. Raise OSError if there is none."""
        return _ask(self.address, _PASSWORD, *words)

    def _replication(self) -> dict[str, Any]:
        try:
            return dict(self.ask("INFO", "replication"))
        except OSError:
            return {}


class Sentinel(ServerProcess):
    """One sentinel, which watches a primary from its start."""

    def __init__(
        self,
        binary: Path,
        number: int,
        primary: Address,
        *,
        folder: Path,
        log: Path,
        down_after_ms: int = DOWN_AFTER_MS,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "sentinel.conf"  # it writes what it learns into this file
        settings.write_text(
            f"sentinel monitor {SERVICE} {primary[0]} {primary[1]} 2\n"
            f"sentinel auth-user {SERVICE} {_SENTINEL}\n"
            f"sentinel auth-pass {SERVICE} {_PASSWORD}\n"
            f"sentinel down-after-milliseconds {SERVICE} {down_after_ms}\n"
            f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}\n",
            encoding="utf-8",
        )
        place = ["--bind", HOST, "--port", "{port}", "--dir", str(folder)]
        super().__init__(f"sentinel {number}", [str(binary), str(settings), "--sentinel", *place], log=log)

    def ready(self) -> bool:
        """Return whether it answers."""
        return bool(self.ask("PING"))

    def hurry(self) -> None:
        """Let it ask and tell often. Before Redis 7.0 it cannot, and everything takes longer."""
        try:
            self.ask("SENTINEL DEBUG", *(str(word) for pair in IN_A_HURRY.items() for word in pair))
        except InfrastructureError:
            return

    def names(self) -> Address | None:
        """Return the address of the primary that it names; None while it does not answer."""
        try:
            host, port = self.ask("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE)
        except OSError:
            return None
        return str(host), int(port)

    def knows_all(self) -> bool:
        """Return whether it knows all other sentinels and all replicas."""
        state = self.ask("SENTINEL MASTER", SERVICE)
        return bool(state["num-other-sentinels"] == SENTINELS - 1 and state["num-slaves"] == NODES - 1)

    def priorities(self) -> dict[Address, int]:
        """Return the priority of each replica, as far as it knows."""
        replicas = self.ask("SENTINEL SLAVES", SERVICE)
        return {(each["ip"], each["port"]): int(each["slave-priority"]) for each in replicas}

    def reaches_all(self) -> bool:
        """Return whether it reaches every replica and every other sentinel."""
        others = [*self.ask("SENTINEL SLAVES", SERVICE), *self.ask("SENTINEL SENTINELS", SERVICE)]
        return all(each["flags"] in ("slave", "sentinel") for each in others)

    def begins_failover(self) -> bool:
        """Ask it for a failover; return False if one is under way, or no replica is good enough now."""
        try:
            return bool(self.ask("SENTINEL FAILOVER", SERVICE))
        except InfrastructureError:
            return False

    def fails_over(self) -> bool:
        """Return whether it is leading a failover."""
        return "failover_in_progress" in self.ask("SENTINEL MASTER", SERVICE)["flags"]

    def ask(self, *words: str) -> Any:
        """Return the answer to a command. Raise OSError if there is none."""
        return _ask(self.address, None, *words)


class Onlookers:
    """Sentinels that name one address to the server, and never do anything else.

    So every row can be run on a server that asks sentinels: the address is the fault proxy's.
    """

    REDIS_OPTIONS = (
        "--user",
        _SENTINEL,
        "on",
        f">{_PASSWORD}",
        "~*",
        "&*",
        "+@all",
        "-slaveof",
        "-replicaof",
    )
    """For the Redis behind the proxy: no sentinel may demote what it takes for a stray primary."""
    _NEVER_MS = 3_600_000

    def __init__(self, binary: Path, count: int, named: Address, *, folder: Path, logs: Path) -> None:
        self.sentinels = [
            Sentinel(
                binary,
                number,
                named,
                folder=folder / f"sentinel-{number}",
                log=logs / f"sentinel-{number}.log",
                down_after_ms=self._NEVER_MS,
            )
            for number in range(1, count + 1)
        ]

    def start(self) -> None:
        """Start them. Raise as `ServerProcess.start` does."""
        _start_together(self.sentinels)

    def url(self, database: str) -> str:
        """Return what a server is given."""
        places = ",".join("{}:{}".format(*sentinel.address) for sentinel in self.sentinels)
        return f"redis+sentinel://{places}/{SERVICE}/{database}"


class WatchedRedis:
    """The nodes and the sentinels, as processes of the harness's own."""

    def __init__(self, binary: Path, *, folder: Path, logs: Path) -> None:
        self.nodes: list[Node] = []
        self.sentinels: list[Sentinel] = []
        self._binary, self._folder, self._logs = binary, folder, logs

    @property
    def url(self) -> str:
        """What a server is given."""
        places = ",".join("{}:{}".format(*sentinel.address) for sentinel in self.sentinels)
        return f"redis+sentinel://:{_PASSWORD}@{places}/{SERVICE}/0"

    def start(self) -> None:
        """Start everything. Return when the replicas have all data and the sentinels know one another."""
        first = self._new_node(1)
        first.start()  # before the others: until it listens its port can change
        for number in range(2, NODES + 1):
            self._new_node(number, "--replicaof", HOST, str(first.address[1]))
        for number in range(1, SENTINELS + 1):
            self._new_sentinel(number, first.address)
        _start_together([*self.nodes[1:], *self.sentinels])
        for sentinel in self.sentinels:
            sentinel.hurry()
        self.settle()

    def close(self) -> None:
        """End everything at once."""
        for process in (*self.sentinels, *self.nodes):
            process.kill()

    def primary(self) -> Node | None:
        """Return the node that all sentinels name, if it is a primary."""
        named = {sentinel.names() for sentinel in self.sentinels if sentinel.running}
        found = [node for node in self.nodes if {node.address} == named and node.role() == "master"]
        return found[0] if found else None

    def the_primary(self) -> Node:
        """Return the primary. Raise InfrastructureError if the sentinels do not agree."""
        primary = self.primary()
        if primary is None:
            raise InfrastructureError("The sentinels do not name one primary of Redis.")
        return primary

    def await_another(self, former: Node) -> None:
        """Wait until all sentinels name another primary than the former one. Raise DeadlineMissed."""

        def has_moved() -> bool:
            primary = self.primary()
            return primary is not None and primary is not former

        wait_until(has_moved, deadline_s=SETTLES_WITHIN_S, what="the sentinels to name another primary")

    def begin_failover_to(self, chosen: Node) -> None:
        """Ask Sentinel to promote a replica, as an operator does. Raise DeadlineMissed."""
        priorities = {node: USUAL_PRIORITY if node is chosen else NEVER_PROMOTED for node in self.nodes}
        for node, priority in priorities.items():
            node.ask("CONFIG", "SET", "replica-priority", str(priority))
        known = {node.address: priority for node, priority in priorities.items()}
        what = f"Sentinel to begin to promote {chosen.name}"
        wait_until(lambda: self._begins(chosen, known), deadline_s=SETTLES_WITHIN_S, what=what)

    def end_failover_to(self, chosen: Node) -> None:
        """Wait until all sentinels name the replica that was chosen. Raise DeadlineMissed."""
        what = f"Sentinel to make {chosen.name} the primary"
        wait_until(lambda: self._promotes(chosen), deadline_s=SETTLES_WITHIN_S, what=what)
        for node in self.nodes:
            node.ask("CONFIG", "SET", "replica-priority", str(USUAL_PRIORITY))

    def is_promoting(self, chosen: Node) -> bool:
        """Return whether Sentinel is promoting a replica, or has done so. If it gave up, ask again."""
        leader = self.sentinels[0]
        return leader.names() == chosen.address or leader.fails_over() or leader.begins_failover()

    def rejoin(self) -> None:
        """Start what was killed. A former primary is one again, empty, until Sentinel demotes it."""
        for node in self.nodes:
            if not node.running:
                node.start()

    def settle(self) -> None:
        """Wait until there is one primary, and all running nodes follow it. Raise DeadlineMissed."""
        wait_until(self._is_settled, deadline_s=SETTLES_WITHIN_S, what="Redis and its sentinels to settle")

    def _new_node(self, number: int, *options: str) -> Node:
        name = f"redis-{number}"
        node = Node(
            self._binary, number, folder=self._folder / name, log=self._logs / f"{name}.log", options=options
        )
        self.nodes.append(node)
        return node

    def _new_sentinel(self, number: int, primary: Address) -> None:
        name = f"sentinel-{number}"
        folder, log = self._folder / name, self._logs / f"{name}.log"
        self.sentinels.append(Sentinel(self._binary, number, primary, folder=folder, log=log))

    def _begins(self, chosen: Node, priorities: Mapping[Address, int]) -> bool:
        """Ask for a failover once Sentinel has read the priorities, which it does now and then."""
        leader = self.sentinels[0]
        known = leader.priorities()
        return all(priorities[address] == known[address] for address in known) and leader.begins_failover()

    def _promotes(self, chosen: Node) -> bool:
        return self.is_promoting(chosen) and self.primary() is chosen

    def _is_settled(self) -> bool:
        primary = self.primary()
        if primary is None or not all(each.knows_all() and each.reaches_all() for each in self.sentinels):
            return False
        return all(node is primary or node.follows_closely() for node in self.nodes if node.running)


def _start_together(processes: Sequence[ServerProcess]) -> None:
    for process in processes:
        process.launch()
    for process in processes:
        process.await_ready()


def _ask(address: Address, password: str | None, *words: str) -> Any:
    """Return the answer to a command.

    Raise OSError if there is none, InfrastructureError if the command is refused.
    """
    with redis.Redis(
        *address,
        password=password,
        socket_timeout=ANSWERS_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    ) as client:
        try:
            return client.execute_command(*words)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionError(str(error)) from error
        except redis.RedisError as error:
            raise InfrastructureError(f"Redis did not do {' '.join(words)}: {error}.") from error
