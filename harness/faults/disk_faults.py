"""Faults of the stores' disks: power cuts, and no space. See `harness/stack/disk_shim.py` for how."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta

from harness.errors import UsageError
from harness.faults.fault import Breakage, Fault, Observation
from harness.faults.redis_faults import RedisFaults
from harness.stack import Disk, FakeClock, faketime_library, require_disks, wait_until
from harness.stack.probe import Sighting, ask_mongodb
from harness.stack.programs import StoreProcess

DAY_S = 86_400
ENDS_WITHIN_S = 20.0
"""mongod prints where it was before it ends."""
EXPIRES_AT_ONCE = ("--setParameter", "ttlMonitorSleepSecs=1")
HANGS_S = 0.5
SAVED_EVERY = ("CONFIG", "SET", "save", "3600 1", "stop-writes-on-bgsave-error", "yes")
"""A Redis that saves snapshots refuses writes once it could not save one. This one saves when asked to."""
NEVER_SAVED = ("CONFIG", "SET", "save", "")


class DiskFaults(RedisFaults):
    """Faults of the disks of our own stores.

    All raise UsageError if the store is not ours, and NotHere on a machine where no disk can be broken.
    """

    def mongodb_restarted(self) -> AbstractContextManager[Fault]:
        """`kill -9` for mongod, which comes back on a disk that can lose power, until the scenario's end."""
        mongod = self._services.own_mongod()
        disk = _new_disk(mongod)

        def come_back() -> None:
            mongod.disk = disk
            mongod.start()

        return self._mongod_away("restarted", mongod.kill, come_back)

    def mongodb_power_cut(self) -> AbstractContextManager[Fault]:
        """`kill -9` for mongod, and its files lose what was not synced. Only after `mongodb_restarted`.

        Before, syncs hang for a moment: what is acked then without waiting for them is lost.
        """
        mongod = self._services.own_mongod()
        if (disk := mongod.disk) is None:
            raise UsageError("mongod is not on a disk that can lose power: see `mongodb_restarted`.")

        def cut() -> None:
            disk.hang()
            time.sleep(HANGS_S)  # the fault's own rhythm
            mongod.kill()
            disk.lose_unsynced()

        return self._mongod_away("power cut", cut, mongod.start)

    def mongodb_disk_full(self) -> AbstractContextManager[Fault]:
        """MongoDB has no space for its journal, and ends; at the end there is space, and it is started."""
        mongod = self._services.own_mongod()
        disk = _new_disk(mongod)

        def fill() -> None:
            _restart_on(mongod, disk)
            disk.fill()
            with suppress(OSError):  # it ends instead of an answer
                ask_mongodb(mongod.address, {"fsync": 1})
            wait_until(
                lambda: not mongod.running, deadline_s=ENDS_WITHIN_S, what="mongod to end without space"
            )
            mongod.kill()

        return self._mongod_away("disk full", fill, mongod.start)

    def mongodb_restarted_with_clock(self) -> AbstractContextManager[Fault]:
        """`kill -9` for mongod, which comes back with a clock that can be set, until the scenario's end.

        From then on it deletes at once what its indexes let expire, and not once a minute.
        """
        mongod = self._services.own_mongod()
        library = faketime_library()

        def come_back() -> None:
            mongod.clock = FakeClock(library, mongod.folder.with_name("mongod-clock"))
            mongod.more_options = EXPIRES_AT_ONCE
            mongod.start()

        return self._mongod_away("restarted", mongod.kill, come_back)

    def mongodb_clock_ahead(self, days: int) -> AbstractContextManager[Fault]:
        """MongoDB's clock jumps ahead, and back. Only after `mongodb_restarted_with_clock`."""
        mongod = self._services.own_mongod()
        if (clock := mongod.clock) is None:
            raise UsageError("mongod has no clock to set: see `mongodb_restarted_with_clock`.")

        def look() -> Sighting:
            told = ask_mongodb(mongod.address, {"hello": 1})["localTime"]
            ahead = (told.replace(tzinfo=UTC) - datetime.now(UTC)) / timedelta(days=1)
            return Sighting(f"{round(ahead)} days ahead", 0.0)

        return self.lasting(
            Breakage(
                Fault("clock", "of MongoDB ahead"),
                health=Observation(look, "0 days ahead"),
                proof=Observation(look, f"{days} days ahead"),
                inject=lambda: clock.set(days * DAY_S),
                heal=lambda: clock.set(0),
            )
        )

    def redis_disk_full(self) -> AbstractContextManager[Fault]:
        """Redis saves snapshots, has no space for one, and so refuses writes; it has lost its data before."""
        server = self._services.own_redis()
        disk = _new_disk(server)

        def fill() -> None:
            _restart_on(server, disk)
            self._command(*SAVED_EVERY)
            disk.fill()
            self._save(succeeds=False)

        def make_space() -> None:
            disk.work()
            self._save(succeeds=True)
            self._command(*NEVER_SAVED)

        return self._without_writes(Fault("redis", "disk full"), fill, make_space)

    def _save(self, *, succeeds: bool) -> None:
        """Have Redis save a snapshot in the background, and wait until that has succeeded or failed."""

        def ended() -> bool:
            with self._redis() as client:
                found = client.info("persistence")
            status = "ok" if succeeds else "err"
            return not found["rdb_bgsave_in_progress"] and found["rdb_last_bgsave_status"] == status

        self._command("BGSAVE", "SCHEDULE")
        wait_until(ended, deadline_s=ENDS_WITHIN_S, what="a snapshot to be saved or not")

    def _mongod_away(
        self, kind: str, inject: Callable[[], None], heal: Callable[[], None]
    ) -> AbstractContextManager[Fault]:
        probe = self._probe(fault := Fault("mongodb", kind))
        return self.lasting(
            Breakage(
                fault,
                health=Observation(probe.look, "answered"),
                proof=Observation(probe.look, "closed"),  # the proxy lives: it accepts and drops connections
                inject=inject,
                heal=heal,
            )
        )


def _new_disk(server: StoreProcess) -> Disk:
    require_disks()
    return Disk(server.folder)


def _restart_on(server: StoreProcess, disk: Disk) -> None:
    server.kill()
    server.disk = disk
    server.start()
