"""The instances of the server under test in one scenario: same stores, same database, same secret."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from harness.client import Client, Malformed, patiently, require
from harness.errors import UsageError
from harness.stack import FakeClock, Services, Target, faketime_library, start_server
from harness.targets.profile import Profile, Text

HOST = "127.0.0.1"


class Instances:
    """Started by `start`, ended by `stop`. Each one's output goes to a file of its own in `logs`.

    `port` None takes free ones; a number is for one instance only.
    """

    def __init__(
        self,
        profile: Profile,
        services: Services,
        *,
        logs: Path,
        name: str,
        workers: int | None = None,
        port: int | None = None,
    ) -> None:
        self.clocks: list[FakeClock] = []
        self.targets: list[Target] = []
        self.workers = workers or profile.workers
        self._profile = profile
        self._logs = logs
        self._name = name
        self._port = port
        self._timekeepers: dict[int, Client] = {}
        self._names = {
            "python": sys.executable,
            "host": HOST,
            "port": "{port}",  # filled in at each attempt to start
            "redis_url": services.redis_url,
            "mongodb_url": services.mongodb_url,
            "database": f"pollproof_{secrets.token_hex(6)}",
            "secret": secrets.token_hex(32),
        }

    @property
    def first(self) -> Target:
        """The first instance. Raises UsageError before there is one."""
        if not self.targets:
            raise UsageError("The server under test has not been started.")
        return self.targets[0]

    @property
    def base_urls(self) -> list[str]:
        """Where each instance serves."""
        return [target.base_url for target in self.targets]

    def start(self) -> Target:
        """Start one more instance.

        Raises UsageError when the profile cannot be filled in or the server never becomes ready.
        """
        return self._start({}, workers=self.workers)

    def start_limited(self) -> Target:
        """Start one more instance, with low limits. Raises as `start` does."""
        return self._start(self._filled(self._profile.limited, self._names), workers=self.workers)

    def start_with_clock(self, *, workers: int) -> Target:
        """Start one more instance, of so many workers, whose clock is the next of `clocks`."""
        file = self._logs / f"clock-{self._name}-{len(self.clocks) + 1}"
        clock = FakeClock(faketime_library(), file)
        self.clocks.append(clock)
        return self._start(clock.env, workers=workers)

    def time_told_by(self, instance: int) -> float:
        """What time an instance has, in seconds since 1970: the `timestamp` of a poll's answer."""
        if instance not in self._timekeepers:
            name = f"timekeeper_{secrets.token_hex(4)}"
            self._timekeepers[instance] = client = Client(
                self.base_urls[instance], name, secrets.token_hex(8)
            )
            patiently(client.register)
            require(patiently(client.sign_in), 200, "signing in")
        timekeeper = self._timekeepers[instance]
        answer = require(patiently(lambda: timekeeper.poll({})), 200, "polling for the time")
        told = str(answer.body["timestamp"])
        try:
            return datetime.fromisoformat(told).timestamp()
        except ValueError as error:
            raise Malformed(f"the timestamp of a poll's answer is {told[:40]!r}: {error}") from error

    def skew_s(self, instance: int) -> float:
        """By how many seconds an instance's clock is before the harness's (or, below 0, behind it)."""
        return self.time_told_by(instance) - time.time()

    def stop(self) -> None:
        """End them all."""
        for client in self._timekeepers.values():
            client.close()
        for target in self.targets:
            target.stop()

    def _start(self, env: Mapping[str, str], *, workers: int) -> Target:
        names = self._names | {"workers": str(workers)}
        log_name = self._name if not self.targets else f"{self._name}-{len(self.targets) + 1}"
        target = start_server(
            [self._fill(word, names) for word in self._profile.command],
            base_url=f"http://{HOST}:{self._port or '{port}'}",
            ready_path=self._profile.ready_path,
            log=self._logs / f"server-{log_name}.log",
            env=self._filled(self._profile.env, names) | dict(env),
            deadline_s=self._profile.ready_within_s,
        )
        self.targets.append(target)
        return target

    def _filled(self, env: Mapping[str, Text], names: Mapping[str, str]) -> dict[str, str]:
        return {key: self._fill(str(value), names) for key, value in env.items()}

    def _fill(self, text: str, names: Mapping[str, str]) -> str:
        try:
            return text.format_map(names)
        except (KeyError, ValueError, IndexError) as error:
            legal = ", ".join(sorted(names))
            raise UsageError(
                f"The target profile {self._profile.name!r} says {text!r},"
                f" but only {legal} can stand in braces."
            ) from error
