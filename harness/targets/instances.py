"""The instances of the server under test in one scenario: same stores, same database, same secret."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from harness.adapters.accounts import Accounts
from harness.client import Client, Malformed, patiently, require
from harness.errors import UsageError
from harness.history import UPSTREAM
from harness.stack import FakeClock, Remote, Services, Target, faketime_library, start_server
from harness.targets.profile import Profile, Text

HOST = "127.0.0.1"


class Instances:
    """The instances between `start` and `stop`. The output of each goes to its own file in `logs`.

    Without `port` each takes a free one; a number allows only one instance.
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
        self.wire = profile.wire
        self.is_broken: Callable[[], bool] = lambda: False
        """Whether something is broken on purpose; whoever breaks it sets this."""
        self._new_adapter = profile.new_adapter(is_broken=lambda: self.is_broken())
        self._accounts = Accounts(profile.wire.user_list)
        self._profile = profile
        self._logs = logs
        self._name = name
        self._port = port
        self.front = ""
        """The URL of what balances the instances, if there is one: clients then use it alone."""
        self._timekeepers: dict[int, Client] = {}
        self._names = {
            "python": sys.executable,
            "host": HOST,
            "port": "{port}",  # filled in at each attempt to start
            "redis_url": services.redis_url,
            "mongodb_url": services.mongodb_url,
            "database": f"pollproof_{secrets.token_hex(6)}",
            "secret": secrets.token_hex(32),
            **_addresses(services),
        }

    @property
    def first(self) -> Target:
        """The first instance. Raise UsageError before there is one."""
        if not self.targets:
            raise UsageError("The server under test has not been started.")
        return self.targets[0]

    @property
    def base_urls(self) -> list[str]:
        """Where clients send their requests, each to the next: the URL of each instance, or of the front."""
        return [self.front] if self.front else [target.base_url for target in self.targets]

    def client(self, username: str, password: str, *, at: str = "") -> Client:
        """Return a user of these instances; `at` is another URL of the server, for this user alone.

        If the profile has a list of users, it is the next of them, with its own name and password.
        """
        if self.wire.users == "list":
            username, password = self._accounts.take(username)
        return Client(at or self.base_urls, username, password, new_adapter=self._new_adapter)

    def unready(self) -> str:
        """Return what an instance answers that cannot do its work, as a sentence; '' if there is none."""
        path = self._profile.readiness_path
        answers = {target.base_url: target.says(path) for target in self.targets} if path else {}
        return next(
            (f"GET {url}{path} was answered {said}" for url, said in answers.items() if said != "200"), ""
        )

    def ok(self, operation: str) -> frozenset[int]:
        """Return the statuses that mean success; what does not speak HTTP has 200 for it."""
        by_command = operation == "register" and self.wire.users == "command"
        if self._profile.adapter or by_command:
            return frozenset({200})
        return frozenset(getattr(self.wire, operation).ok)

    def use(self, **urls: str) -> None:
        """Replace names in braces, such as `mongodb_url`, for the instances that start from now on."""
        self.require_none()
        self._names |= urls

    def require_none(self) -> None:
        """Raise UsageError once there is an instance."""
        if self.targets:
            raise UsageError("The server under test runs already: its stores must be chosen before.")

    def start(self, command: Sequence[str] = ()) -> Target:
        """Start one more instance; a `command` other than the profile's starts another version of the server.

        Raise UsageError when the profile cannot be filled in or the server never becomes ready.
        """
        return self._start({}, workers=self.workers, command=command)

    def start_several(self, count: int) -> list[Target]:
        """Start so many more instances, side by side. Raise as `start` does."""
        return [self.start() for _ in range(count)]

    def start_limited(self) -> Target:
        """Start one more instance, with low limits. Raise as `start` does."""
        return self._start(self._filled(self._profile.limited, self._names), workers=self.workers)

    def start_with_clocks(self, count: int) -> None:
        """Start `count` more instances that share the workers, each with its own clock for `faults`."""
        for _ in range(count):
            self.start_with_clock(workers=max(1, self.workers // count))

    def start_with_clock(self, *, workers: int) -> Target:
        """Start one more instance with its own clock, which is added to `clocks`."""
        file = self._logs / f"clock-{self._name}-{len(self.clocks) + 1}"
        clock = FakeClock(faketime_library(), file)
        self.clocks.append(clock)
        return self._start(clock.env, workers=workers)

    def time_told_by(self, instance: int) -> float:
        """Return an instance's time, in seconds since 1970: the `timestamp` of a poll's answer."""
        if instance not in self._timekeepers:
            name = f"timekeeper_{secrets.token_hex(4)}"
            client = self.client(name, secrets.token_hex(8), at=self.targets[instance].base_url)
            self._timekeepers[instance] = client
            patiently(client.register)
            require(patiently(client.sign_in), "signing in")
        timekeeper = self._timekeepers[instance]
        answer = require(patiently(lambda: timekeeper.poll({})), "polling for the time")
        stated = str(answer.said.now)
        try:
            return datetime.fromisoformat(stated).timestamp()
        except ValueError as error:
            raise Malformed(f"the timestamp of a poll's answer is {stated[:40]!r}: {error}") from error

    def skew_s(self, instance: int) -> float:
        """Return by how many seconds an instance's clock is ahead of the harness's (below 0: behind it)."""
        return self.time_told_by(instance) - time.time()

    def stop(self) -> None:
        """Stop them all."""
        for client in self._timekeepers.values():
            client.close()
        for target in self.targets:
            target.stop()

    def _start(self, env: Mapping[str, str], *, workers: int, command: Sequence[str] = ()) -> Target:
        if self._profile.url:
            return self._join_running()
        names = self._names | {"workers": str(workers)}
        log_name = self._name if not self.targets else f"{self._name}-{len(self.targets) + 1}"
        target = start_server(
            [self._fill(word, names) for word in command or self._profile.command],
            base_url=f"http://{HOST}:{self._port or '{port}'}",
            ready_path=self._profile.ready_path,
            log=self._logs / f"server-{log_name}.log",
            env=self._filled(self._profile.env, names) | dict(env),
            deadline_s=self._profile.ready_within_s,
        )
        self.targets.append(target)
        return target

    def _join_running(self) -> Target:
        """Use the server that runs already; there is no other instance of it."""
        if self.targets:
            raise UsageError("The target's profile has a url: a second instance cannot be started.")
        target = Remote(
            self._profile.url, ready_path=self._profile.ready_path, deadline_s=self._profile.ready_within_s
        )
        target.start()
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
                f" but only these names are legal in braces: {legal}."
            ) from error


def _addresses(services: Services) -> dict[str, str]:
    """Return where the proxies of other stores listen: `postgres_host` and `postgres_port`."""
    names = dict[str, str]()
    for store, proxy in services.proxies.items():
        kind, _, name = store.partition(" ")
        if kind == UPSTREAM and name:
            names |= {f"{name}_host": proxy.listen[0], f"{name}_port": str(proxy.listen[1])}
    return names
