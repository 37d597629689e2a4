"""Making the load, in a process of its own that is told by lines of JSON; see `generator`.

The load is open: sends leave at times drawn from the seed, and polls when they are due, whatever the server
does. How much later than due each one began is measured, and is the generator's own fault.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import gevent
import msgspec
from gevent.fileobject import FileObject
from gevent.pool import Group

from benchmarks.capacity.orders import Order, Report, Setup
from benchmarks.capacity.talks import BareTalk, ContractTalk, ProfileTalk, Talk
from harness.arithmetic import exact_percentile
from harness.client.polling import PollSchedule
from harness.errors import HarnessError
from harness.history import NS_PER_S, Outcome
from harness.history.operations import Call, Poll, Reply
from harness.targets.profile import load_profile

ROW = "CAPACITY"
MISSED_NS = NS_PER_S // 2
"""A poll or a send that begins so much later than due is missed."""
LEAST_SENDS_PER_S = 10.0
"""Fewer messages would prove too little of a few pollers."""
_MS = 1_000_000


class _Poller:
    """One consumer: where it stands, from step to step."""

    def __init__(self, number: int, interval_ns: int) -> None:
        self.number = number
        self.since: str | None = None
        self.schedule = PollSchedule(interval_ns)


class Generator:
    """All pollers, and the messages that they send to each other."""

    def __init__(self, setup: Setup, talk: Talk) -> None:
        self._setup, self._talk = setup, talk
        self._interval_ns = int(setup.interval_s * NS_PER_S)
        self._random = Random(setup.seed)
        self._pollers: list[_Poller] = []
        self._op = 0
        self._messages = 0
        self._earlier: set[str] = set()
        """The contents of what earlier steps sent: it may still arrive, and is no business of this step."""
        self._contents: set[str] = set()

    def step(self, order: Order, out: Any) -> Report:
        """Make one step's load, and write its history. Raise HarnessError."""
        self._talk.enter(order.pollers)
        while len(self._pollers) < order.pollers:
            self._pollers.append(_Poller(len(self._pollers), self._interval_ns))
        self._earlier |= self._contents
        self._contents.clear()
        gc.collect()
        gc.freeze()
        gc.disable()
        step = _Step(order, time.monotonic_ns())
        polling, sending = Group(), gevent.spawn(self._send_all, step)
        for poller in self._pollers[: order.pollers]:
            polling.spawn(self._keep_polling, poller, step)
        _tell_at(step.from_ns, out, "measuring")
        _tell_at(step.until_ns, out, "measured")
        sending.get()
        step.end_ns = max(time.monotonic_ns(), step.until_ns) + int(order.drain_s * NS_PER_S)
        polling.join(raise_error=True)
        gc.enable()
        return self._written(step, Path(order.history))

    def _keep_polling(self, poller: _Poller, step: _Step) -> None:
        due_ns = step.begin_ns + int(self._random.random() * self._interval_ns)
        while due_ns < step.end_ns:
            _sleep_until(due_ns)
            due_ns = self._poll(poller, step, due_ns)

    def _poll(self, poller: _Poller, step: _Step, due_ns: int) -> int:
        """Poll once; return when the next poll is due."""
        start_ns = time.monotonic_ns()
        since = poller.since
        said = self._talk.poll(poller.number, since)
        end_ns = time.monotonic_ns()
        if said.outcome is Outcome.OK:
            poller.since = said.next_since
        next_ns = poller.schedule.next_start(start_ns, end_ns)
        messages = tuple([it for it in said.messages if it.content not in self._earlier])
        if (
            start_ns >= step.from_ns or messages
        ):  # also a poll of the warm-up that brought a message of the step
            self._op += 1
            name = self._talk.name(poller.number)
            consumer = f"{name}#{poller.number}"
            asked = (name, due_ns, start_ns, said.outcome, since, 0.0, said.status, messages)
            rest = (said.next_since, said.has_more, said.gap, said.source, said.degraded, said.error)
            step.lines.append(Poll(ROW, end_ns, self._op, consumer, *asked, *rest))
        return end_ns if said.has_more else next_ns

    def _send_all(self, step: _Step) -> None:
        """Begin each send at its time, and return when all are answered."""
        under_way = Group()
        for due_ns in self._send_times(step) if self._talk.sends else ():
            _sleep_until(due_ns)
            sender = self._random.randrange(step.order.pollers)
            recipient = self._random.randrange(step.order.pollers)
            under_way.spawn(self._send, step, due_ns, sender, self._talk.name(recipient))
        _sleep_until(step.until_ns)
        under_way.join(raise_error=True)

    def _send_times(self, step: _Step) -> Iterator[int]:
        """Yield when any user sends: a Poisson process."""
        per_s = max(LEAST_SENDS_PER_S, step.order.pollers / self._setup.send_every_s)
        at_ns = step.from_ns + int(self._random.expovariate(per_s) * NS_PER_S)
        while at_ns < step.until_ns:
            yield at_ns
            at_ns += int(self._random.expovariate(per_s) * NS_PER_S)

    def _send(self, step: _Step, due_ns: int, sender: int, recipient: str) -> None:
        self._op += 1
        self._messages += 1
        op, token = self._op, f"{self._setup.seed}-{os.getpid()}-{self._messages}"
        content = f"message {token}"
        self._contents.add(content)
        sent = (self._talk.name(sender), recipient, content, due_ns, token)
        step.lines.append(Call(ROW, time.monotonic_ns(), op, *sent))
        said = self._talk.send(sender, recipient, content, token)
        stored = (said.id, said.seq, said.timestamp, said.queued, said.replayed, said.error)
        step.lines.append(Reply(ROW, time.monotonic_ns(), op, said.outcome, said.status, *stored))

    def _written(self, step: _Step, history: Path) -> Report:
        encode = msgspec.json.Encoder().encode
        with history.open("ab") as file:
            file.writelines(encode(line) + b"\n" for line in step.lines)
        return step.report()


class _Step:
    """The times and the lines of one step."""

    def __init__(self, order: Order, begin_ns: int) -> None:
        self.order, self.begin_ns = order, begin_ns
        self.from_ns = begin_ns + int(order.warm_up_s * NS_PER_S)
        self.until_ns = self.from_ns + int(order.measure_s * NS_PER_S)
        self.end_ns: float = float("inf")
        """Until when polls begin; known when the last send has been answered."""
        self.lines: list[Call | Reply | Poll] = []

    def report(self) -> Report:
        """Return what was done and answered in the measured time."""
        all_polls = (it for it in self.lines if isinstance(it, Poll))
        polls = [it for it in all_polls if self.from_ns <= it.start_ns < self.until_ns]
        calls = {it.op: it for it in self.lines if isinstance(it, Call)}
        sends = [(calls[it.op], it) for it in self.lines if isinstance(it, Reply)]
        lags = [poll.start_ns - poll.intended_ns for poll in polls]
        lags += [call.start_ns - call.intended_ns for call, _ in sends]
        answered = [it.end_ns - it.start_ns for it in polls if it.outcome is Outcome.OK]
        acked = [reply.end_ns - call.intended_ns for call, reply in sends if reply.outcome is Outcome.OK]
        return Report(
            polls=len(polls),
            sends=len(sends),
            acked=len(acked),
            missed=sum(lag > MISSED_NS for lag in lags),
            failed=len(polls) + len(sends) - len(answered) - len(acked),
            seconds=self.order.measure_s,
            lag_p99_ms=_ms(lags, 99) or 0.0,
            poll_p50_ms=_ms(answered, 50),
            poll_p99_ms=_ms(answered, 99),
            send_p99_ms=_ms(acked, 99),
            begin_ns=self.from_ns,
        )


def _ms(values_ns: list[int], q: float) -> float | None:
    return round(exact_percentile(values_ns, q) / _MS, 3) if values_ns else None


def _sleep_until(due_ns: int) -> None:
    while (left_ns := due_ns - time.monotonic_ns()) > 0:
        gevent.sleep(left_ns / NS_PER_S)


def _tell_at(at_ns: int, out: Any, what: str) -> None:
    gevent.spawn_later(max(0.0, (at_ns - time.monotonic_ns()) / NS_PER_S), _tell, out, {"event": what})


def _tell(out: Any, said: Any) -> None:
    out.write(msgspec.json.encode(said) + b"\n")
    out.flush()


def talk_of(setup: Setup) -> Talk:
    """Return how to talk to the server of this setup."""
    if setup.kind == "bare":
        return BareTalk(setup.url)
    if setup.kind == "contract":
        return ContractTalk(setup.url, setup.users)
    return ProfileTalk(setup.url, load_profile(setup.target), setup.accounts)


def main() -> int:
    """Make a step for each order on stdin; end with it, or with a signal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    _allow_open_files()
    lines, out = FileObject(sys.stdin.fileno(), "rb", close=False), sys.stdout.buffer
    setup = msgspec.json.decode(lines.readline(), type=Setup)
    if setup.cpus:
        os.sched_setaffinity(0, setup.cpus)
    generator = Generator(setup, talk_of(setup))
    for line in lines:
        try:
            _tell(
                out, {"event": "done", "report": generator.step(msgspec.json.decode(line, type=Order), out)}
            )
        except HarnessError as error:
            _tell(out, {"event": "failed", "sentence": error.sentence, "exit_code": error.exit_code})
    return 0


def _allow_open_files() -> None:
    """Raise the limit of open files as far as it goes: each poller has a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
