"""One run: a server and its stores are started, and carry more and more, until a promise breaks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pymongo
import redis

from benchmarks.capacity.driving import Driver
from benchmarks.capacity.judging import judged, load_of, step
from benchmarks.capacity.machine import Meter, Ping, Processors, shared_out
from benchmarks.capacity.orders import Order, Report, Setup
from benchmarks.capacity.results import Curve
from benchmarks.capacity.search import Answer, search
from benchmarks.capacity.steps import GENERATOR, MONGODB, REDIS, SERVER, Machine, Step
from benchmarks.servers import Site
from harness.checkers import CHECKERS, run_checker
from harness.history import Bounds, HistoryFile, read_histories
from harness.stack import Services
from harness.stack.reaper import family
from harness.targets.profile import Profile
from harness.targets.starting import running_target
from harness.verdict import Verdict

ROW = "CAPACITY"
Processes = Callable[[], Sequence[psutil.Process]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How long a step and a whole search take, in seconds, and how exact the search is."""

    warm_up_s: float
    measure_s: float
    server_s: float
    bare_s: float
    precision: float


FULL = Effort(warm_up_s=2.0, measure_s=6.0, server_s=170.0, bare_s=45.0, precision=0.15)
QUICK = Effort(warm_up_s=1.0, measure_s=3.0, server_s=28.0, bare_s=14.0, precision=0.5)
BARE_WARM_UP_S = 1.0
SERVER_ACCOUNTS_AT_ONCE = 2000


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    effort: Effort
    first: int
    ceiling: int
    send_every_s: float
    seed: int
    folder: Path
    accounts: int


@dataclass
class Subject:
    """A server that is measured: where it is, what it promises, and what is known of its processes."""

    kind: str
    url: str
    profile: Profile
    groups: dict[str, Processes] = field(default_factory=dict)
    pings: dict[str, Ping] = field(default_factory=dict)
    users: tuple[tuple[str, str], ...] = ()
    target: str = ""


class Search:
    """The steps of one search, kept as they come: an interrupted run has those before."""

    def __init__(
        self, subject: Subject, plan: Plan, processors: Processors, tell: Callable[[Step], None]
    ) -> None:
        self._subject, self._plan, self._processors, self._tell = subject, plan, processors, tell
        self.steps: list[Step] = []

    @property
    def curve(self) -> Curve:
        """The steps, and what they show so far."""
        carried = max((it.pollers for it in self.steps if it.answer is Answer.CARRIED), default=0)
        above = [it.pollers for it in self.steps if it.answer is not Answer.CARRIED and it.pollers > carried]
        return Curve(carried, min(above, default=None), tuple(self.steps))

    def run(self, *, seconds: float, first: int) -> None:
        """Search for up to so many seconds. Raise HarnessError."""
        plan, subject = self._plan, self._subject
        setup = Setup(
            kind=subject.kind,
            url=subject.url,
            interval_s=subject.profile.bounds.poll_interval_s,
            send_every_s=plan.send_every_s,
            seed=plan.seed,
            target=subject.target,
            accounts=plan.accounts,
            users=subject.users,
            cpus=tuple(self._processors.generator),
        )
        end_s = time.monotonic() + seconds
        with Driver(setup, plan.folder / "generator.log") as driver:
            search(
                partial(self._carries, driver),
                first=first,
                ceiling=plan.ceiling,
                precision=plan.effort.precision,
                may_go_on=lambda: time.monotonic() + self._step_s < end_s,
            )

    @property
    def _step_s(self) -> float:
        order = self._order(1, Path())
        return order.warm_up_s + order.measure_s + order.drain_s

    def _order(self, pollers: int, history: Path) -> Order:
        bounds, effort = self._subject.profile.bounds, self._plan.effort
        if self._subject.kind == "bare":
            return Order(pollers, BARE_WARM_UP_S, effort.measure_s * 2 / 3, 0.0, str(history))
        drain_s = bounds.delivered_within_s + bounds.poll_interval_s + bounds.acceptable_round_trip_s
        return Order(pollers, effort.warm_up_s, effort.measure_s, drain_s, str(history))

    def _carries(self, driver: Driver, pollers: int) -> Answer:
        history = self._plan.folder / f"{self._subject.kind}-{pollers}.jsonl"
        history.unlink(missing_ok=True)
        groups = {**self._subject.groups, GENERATOR: driver.processes}
        meter = Meter(groups, self._subject.pings, self._processors)
        measured: list[Machine] = []
        profile = self._subject.profile
        with HistoryFile(history) as file:
            file.recorder(
                row=ROW,
                title="Capacity",
                seed=self._plan.seed,
                bounds=profile.bounds,
                policy=profile.policy,
                semantics=profile.semantics,
            )
            report = driver.step(
                self._order(pollers, history), meter.begin, lambda: measured.append(meter.end())
            )
            file.record("drained", row=ROW)
        judge = bare_step if self._subject.kind == "bare" else judged
        done = judge(pollers, report, measured[0], history)
        self.steps.append(done)
        if done.answer is Answer.CARRIED:
            history.unlink()
        self._tell(done)
        return done.answer


def bare_step(pollers: int, report: Report, machine: Machine, history: Path) -> Step:
    """Return the step of the bare route: each answer in time, as no message can be lost there."""
    (recorded,) = read_histories(history)
    judgement = run_checker(CHECKERS["available"], recorded)
    load, most_ms = load_of(report), Bounds().acceptable_round_trip_s * 1000
    why = "" if judgement.verdict is Verdict.PASS else f"available: {judgement.reason.rstrip('.')}"
    if not why and (load.poll_p99_ms or 0.0) > most_ms:
        why = f"one of a hundred answers took more than {most_ms:.0f} ms"
    return step(pollers, load, machine, why=why)


@contextmanager
def on_their_processors(processors: Processors) -> Iterator[None]:
    """Let servers that are started in the context use only their processors."""
    if not processors.servers:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors.servers)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def reference(site: Site, profile: Profile, plan: Plan) -> Iterator[Subject]:
    """Run the reference server, with as many users as pollers may be tried. Raise HarnessError."""
    with site.reference() as server, ExitStack() as stack:
        names = [f"poller-{number}" for number in range(plan.ceiling)]
        tokens: dict[str, str] = {}
        for begin in range(0, len(names), SERVER_ACCOUNTS_AT_ONCE):
            tokens |= server.add_users(names[begin : begin + SERVER_ACCOUNTS_AT_ONCE])
        subject = Subject("contract", server.process.base_url, profile, users=tuple(tokens.items()))
        subject.groups[SERVER] = server.processes
        _add_stores(subject, site.services, stack)
        yield subject


@contextmanager
def bare(site: Site, profile: Profile) -> Iterator[Subject]:
    """Run the bare route on the same WSGI server. Raise HarnessError."""
    with site.bare() as server:
        yield Subject("bare", server.process.base_url, profile, {SERVER: server.processes})


@contextmanager
def by_profile(target: str, profile: Profile, services: Services, logs: Path) -> Iterator[Subject]:
    """Run the server of a profile, or use the one at its URL, of which nothing else is known."""
    with (
        running_target(profile, services, log=logs / "server-capacity.log") as running,
        ExitStack() as stack,
    ):
        subject = Subject("profile", running.base_url, profile, target=target)
        if not profile.url:
            subject.groups[SERVER] = lambda: family(running.pid)
            _add_stores(subject, services, stack)
        yield subject


def _add_stores(subject: Subject, services: Services, stack: ExitStack) -> None:
    """Add the processes of the stores that we started, and how each store is asked."""
    for name, program in ((REDIS, services.redis), (MONGODB, services.mongod)):
        if program is not None:
            subject.groups[name] = partial(family, program.pid)
    if services.redis_direct_url:
        asked = stack.enter_context(redis.Redis.from_url(services.redis_direct_url))
        subject.pings[REDIS] = asked.ping
    if services.mongodb_direct_url:
        client = stack.enter_context(pymongo.MongoClient[dict[str, Any]](services.mongodb_direct_url))
        subject.pings[MONGODB] = partial(client.admin.command, "ping")


__all__ = [
    "FULL",
    "QUICK",
    "Plan",
    "Search",
    "bare",
    "by_profile",
    "on_their_processors",
    "reference",
    "shared_out",
]
