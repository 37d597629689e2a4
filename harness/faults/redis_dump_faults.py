"""Faults of what Redis keeps on its disk, and of how long it keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from harness.errors import InfrastructureError, ProcessDied
from harness.faults.fault import Breakage, Fault, Observation, nothing
from harness.faults.redis_data_faults import queue_key
from harness.faults.redis_faults import RedisFaults
from harness.stack.probe import Sighting

PLAIN = ("CONFIG", "SET", "rdbcompression", "no")
UNCHECKED = bytes(8)
"""At the end of a snapshot, for its checksum: it is not checked, as with `rdbchecksum no`."""
EXPIRED_EVERY_S = 0.5
EXPIRE = """
local left = 0
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) >= 0 then redis.call('PEXPIREAT', key, 1) end
  if redis.call('PTTL', key) >= 0 then left = left + 1 end
end
return left
"""


def cut_short(dump: bytes) -> bytes:
    """Return the first half of a snapshot."""
    return dump[: len(dump) // 2]


def flipped(dump: bytes) -> bytes:
    """Return a snapshot with another bit in its middle."""
    middle = len(dump) // 2
    return dump[:middle] + bytes([dump[middle] ^ 1]) + dump[middle + 1 :]


DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {"cut short": cut_short, "flipped": flipped}


class RedisDumpFaults(RedisFaults):
    """Faults of snapshots and lifetimes. All raise UsageError if Redis is not ours."""

    def redis_dump_damaged(self, how: str) -> AbstractContextManager[Fault]:
        """`kill -9`, and Redis refuses to start with its snapshot, which is damaged; back empty at the end.

        `how` is a key of DAMAGES.
        """
        server = self._services.own_redis()
        probe = self._probe(fault := Fault("redis", f"dump {how}"))

        def refuse_to_start() -> None:
            snapshot = server.save_snapshot("damaged")
            snapshot.write_bytes(DAMAGES[how](snapshot.read_bytes()))
            try:
                server.restart_from(snapshot)
            except ProcessDied:
                return
            raise InfrastructureError(f"Redis has started with a snapshot that is {how}.")

        return self.lasting(
            Breakage(
                fault,
                health=Observation(probe.look, "answered"),
                proof=Observation(probe.look, "closed"),  # the proxy lives: it accepts and drops connections
                inject=refuse_to_start,
                heal=lambda: server.restart_from(None),
            )
        )

    def redis_altered(self, mailbox: str, text: str) -> AbstractContextManager[Fault]:
        """`kill -9`, and back at once with a snapshot in which a bit of this text in a queue is another.

        No checksum shows it. `text` must be ASCII, and be in the queue as it is.
        """
        server, proxy = self._services.own_redis(), self._services.proxies["redis"]
        probe = self._probe(fault := Fault("redis", "altered"))
        key, another = queue_key(mailbox), chr(ord(text[0]) ^ 1) + text[1:]

        def alter() -> None:
            self._command(*PLAIN)
            snapshot = server.save_snapshot("altered")
            dump = snapshot.read_bytes().replace(text.encode("ascii"), another.encode("ascii"))
            snapshot.write_bytes(dump[: -len(UNCHECKED)] + UNCHECKED)
            proxy.disable()  # or the server under test could repair the queue before it is looked at
            server.restart_from(snapshot)
            with self._redis() as client:
                entries = "\n".join(map(str, client.lrange(key, 0, -1)))
            if another not in entries:
                raise InfrastructureError(f"Redis has {entries[:200]!r} under {key}, without {another!r}.")
            proxy.enable()

        health = Observation(probe.look, "answered")
        return self.lasting(Breakage(fault, health, health, inject=alter, heal=proxy.heal))

    def redis_expired(self, mailboxes: Sequence[str]) -> AbstractContextManager[Fault]:
        """Every key of these mailboxes has expired, again and again: as where Redis's clock jumps ahead.

        The process stays the same, and so do keys without a TTL.
        """
        self._services.own_redis()
        probe = self._probe(fault := Fault("redis", "expired"))
        keys = [name for mailbox in mailboxes for name in (queue_key(mailbox), f"head:{mailbox}")]

        def expire() -> Sighting:
            with self._redis() as client:
                left = client.eval(EXPIRE, len(keys), *keys)
            return Sighting("expired" if not left else f"{left} keys with a TTL", 0.0)

        health, proof = Observation(probe.look, "answered"), Observation(expire, "expired")
        return self.lasting(Breakage(fault, health, proof, nothing, nothing, EXPIRED_EVERY_S))
