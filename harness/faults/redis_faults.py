"""Faults of Redis as a whole: of its network, process, memory and role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.errors import InfrastructureError
from harness.faults.fault import Breakage, Fault, Observation, nothing
from harness.faults.injector import Injector
from harness.stack import free_port
from harness.stack.probe import Sighting, look
from harness.stack.programs import Redis
from harness.stack.server_process import HOST

ANSWERS_WITHIN_S = 5.0
CUT_EVERY_S = 0.5
INFO, PROMOTE = b"INFO server\r\n", b"REPLICAOF NO ONE\r\n"
WRITE = b"SET pollproof:probe 1 PX 1000\r\n"
WRITE_ANSWERS = {
    b"+OK": "written",
    b"-READONLY": "read-only",
    b"-OOM": "out of memory",
    b"-MISCONF": "disk full",
}


class RedisFaults(Injector):
    """Faults of the whole Redis. Those of its process and settings raise UsageError if Redis is not ours."""

    def redis_refused(self) -> AbstractContextManager[Fault]:
        """Redis's port is closed."""
        return self.through(Fault("redis", "refused"))

    def redis_black_holed(self) -> AbstractContextManager[Fault]:
        """Redis accepts connections, and never answers."""
        return self.through(Fault("redis", "black-holed"))

    def redis_slow(self, latency_ms: int = 300) -> AbstractContextManager[Fault]:
        """Every answer of Redis is delayed."""
        return self.through(Fault("redis", "slow", latency_ms))

    def redis_flapping(self) -> AbstractContextManager[Fault]:
        """Redis is available for a moment and away for a moment, again and again."""
        return self.flapping(Fault("redis", "flapping"))

    def redis_cut(self) -> AbstractContextManager[Fault]:
        """Every connection to Redis is closed, twice a second; a new one works. Notifications are lost."""
        self._services.own_redis()
        probe = self._probe(fault := Fault("redis", "cut"))

        def cut() -> Sighting:
            with self._redis() as client:
                closed = [client.client_kill_filter(_type=kind) for kind in ("pubsub", "normal")]
            return Sighting("cut" if any(closed) else "no connection", 0.0)

        health, proof = Observation(probe.look, "answered"), Observation(cut, "cut")
        return self.lasting(Breakage(fault, health, proof, nothing, nothing, CUT_EVERY_S))

    def redis_killed(self, *, back_from: Path | None = None) -> AbstractContextManager[Fault]:
        """`kill -9`, and down while it lasts; back with the data of a snapshot, or empty."""
        server = self._services.own_redis()
        probe = self._probe(fault := Fault("redis", "killed"))
        return self.lasting(
            Breakage(
                fault,
                health=Observation(probe.look, "answered"),
                proof=Observation(probe.look, "closed"),  # the proxy lives: it accepts and drops connections
                inject=server.kill,
                heal=lambda: server.restart_from(back_from),
            )
        )

    def redis_restarted(self, *, back_from: Path | None = None) -> AbstractContextManager[Fault]:
        """`kill -9`, and back at once: with the data of a snapshot, or empty."""
        server = self._services.own_redis()
        probe = self._probe(fault := Fault("redis", "restored" if back_from else "emptied"))
        before = self._run_id()

        def look() -> Sighting:
            keys = re.search(r"keys loaded: (\d+)", server.last_lines(100))
            loaded = keys is not None and keys[1] != "0"
            if self._run_id() == before:
                return Sighting("the same process", 0.0)
            return Sighting(
                "another process with old data" if loaded else "another process without data", 0.0
            )

        proof = Observation(look, f"another process with{' old' if back_from else 'out'} data")
        health = Observation(probe.look, "answered")
        return self.lasting(
            Breakage(fault, health, proof, inject=lambda: server.restart_from(back_from), heal=nothing)
        )

    def redis_snapshot(self) -> Path:
        """Save what Redis holds now, and return the path of the snapshot."""
        return self._services.own_redis().save_snapshot("old")

    def redis_read_only(self) -> AbstractContextManager[Fault]:
        """Redis serves reads and refuses writes, as a replica whose primary is gone."""
        return self._without_writes(
            Fault("redis", "read-only"),
            lambda: self._command("REPLICAOF", HOST, str(free_port())),
            lambda: self._command("REPLICAOF", "NO", "ONE"),
        )

    def redis_out_of_memory(self) -> AbstractContextManager[Fault]:
        """Redis serves reads and refuses writes, because its memory limit is reached."""
        with self._redis() as client:
            before = client.config_get("maxmemory")["maxmemory"]
        return self._without_writes(
            Fault("redis", "out of memory"),
            lambda: self._command("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1"),
            lambda: self._command("CONFIG", "SET", "maxmemory", str(before)),
        )

    def redis_replica(self) -> AbstractContextManager[Redis]:
        """Start a replica of Redis while the context lasts. The first one changes the replication id."""
        return self._services.replica()

    def redis_failed_over(self, replica: Redis, *, demoted: bool = False) -> AbstractContextManager[Fault]:
        """A replica takes the place of Redis; at the end Redis is back, without what was written meanwhile.

        `demoted`: meanwhile Redis itself was a replica of a primary that it never reached.
        """
        proxy, probe = self._services.proxies["redis"], self._probe(fault := Fault("redis", "failed over"))
        names = {
            _run_id(look(server.address, INFO, timeout_s=ANSWERS_WITHIN_S).answer): name
            for server, name in ((self._services.own_redis(), "the first one"), (replica, "its replica"))
        }

        def serving() -> Sighting:
            seen = probe.ask(INFO)
            return Sighting(names.get(_run_id(seen.answer), seen.saw), seen.ms, seen.answer)

        def fail_over() -> None:
            look(replica.address, PROMOTE, timeout_s=ANSWERS_WITHIN_S)
            proxy.lead_to(replica.address)

        def come_back() -> None:
            if demoted:
                self._command("REPLICAOF", HOST, str(free_port()))
                self._command("REPLICAOF", "NO", "ONE")
            proxy.heal()

        health, proof = Observation(serving, "the first one"), Observation(serving, "its replica")
        return self.lasting(Breakage(fault, health, proof, inject=fail_over, heal=come_back))

    def redis_denying(self, *rules: str) -> AbstractContextManager[Fault]:
        """Redis denies what these ACL rules forbid, such as `-info` or `-@write`."""
        self._services.own_redis()
        probe = self._probe(fault := Fault("redis", "denying"))

        def look() -> Sighting:
            with self._redis() as client:
                commands = str(client.execute_command("ACL", "GETUSER", "default"))  # type: ignore[no-untyped-call]
            return Sighting("denied" if all(rule in commands for rule in rules) else "allowed", 0.0)

        return self.lasting(
            Breakage(
                fault,
                health=Observation(probe.look, "answered"),
                proof=Observation(look, "denied"),
                inject=lambda: self._command("ACL", "SETUSER", "default", *rules),
                heal=lambda: self._command("ACL", "SETUSER", "default", "+@all"),
            )
        )

    def _without_writes(
        self, fault: Fault, inject: Callable[[], None], heal: Callable[[], None]
    ) -> AbstractContextManager[Fault]:
        self._services.own_redis()
        probe = self._probe(fault)

        def look() -> Sighting:
            seen = probe.ask(WRITE)
            shown = next(
                (word for start, word in WRITE_ANSWERS.items() if seen.answer.startswith(start)), seen.saw
            )
            return Sighting(shown, seen.ms, seen.answer)

        return self.lasting(
            Breakage(
                fault,
                health=Observation(look, "written"),
                proof=Observation(look, fault.kind),
                inject=inject,
                heal=heal,
            )
        )

    def _run_id(self) -> str:
        with self._redis() as client:
            return str(client.info("server")["run_id"])

    def _command(self, *words: str) -> None:
        with self._redis() as client:
            client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    @contextmanager
    def _redis(self) -> Iterator[redis.Redis]:
        """Connect to Redis directly, not through the proxy. Raise InfrastructureError for any failure."""
        try:
            with redis.Redis.from_url(
                self._services.redis_direct_url,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=ANSWERS_WITHIN_S,
                decode_responses=True,
            ) as client:
                yield client
        except redis.RedisError as error:
            raise InfrastructureError(f"Redis did not do what was asked for a fault: {error}.") from error


def _run_id(info: bytes) -> bytes:
    found = re.search(rb"run_id:(\w+)", info)
    return found[1] if found else b""
