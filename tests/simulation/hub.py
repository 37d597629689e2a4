"""A deterministic scheduler: actors are greenlets, and each of their steps is chosen.

An actor runs until it calls a store, gets an answer, or waits. Then the hub chooses who makes the next step,
and how it goes. So an execution is a list of choices, and the same list gives the same execution.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import NamedTuple, Protocol

import greenlet

from tests.simulation.canonical import Walk

GO = "goes on"
"""How a step goes if nothing is wrong."""
MOST_IN_A_ROW = 60
"""After this many steps in a row the others come first: an actor can wait for one of them in a loop."""
MOST_STEPS = 3000
_AMID = ("turns.py", "redis_queue.py", "mongo.py")
"""Modules whose waits are parts of expressions: see Actor.answers."""


class Killed(BaseException):
    """The process of this code was killed: nothing in the server may handle it."""


class Livelock(AssertionError):
    """The execution does not end."""


class NoAnswer:
    """Stands for the answer in a line about something that has none."""


class Line(NamedTuple):
    """What an actor did, and the answer."""

    actor: str
    what: str
    answer: object


class Event:
    """A threading.Event of the simulated threads."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            self._hub.actor.wait(self, timeout)
        return self._is_set


class Process(Protocol):
    """What an actor runs in. `log` stands for its memory: what its actors have learnt, in this order."""

    name: str
    is_dead: bool
    log: int


@dataclass(frozen=True)
class Step:
    """A step that can be next. It `interrupts` if another actor, the current one, could go on."""

    actor: Actor
    how: str
    interrupts: bool

    @property
    def is_fault(self) -> bool:
        return self.how != GO


class Actor:
    """One thread. `is_background`: the execution ends without it."""

    def __init__(self, hub: Hub, name: str, run: Callable[[], object], process: Process | None) -> None:
        self.hub = hub
        self.name = name
        self.number = len(hub.actors)
        self.process = process
        self.is_background = False
        self.is_done = False
        self.hows: tuple[str, ...] = (GO,)
        self.event: Event | None = None
        self.deadline_s: float | None = None
        self.log = 0
        """Stands for what this actor has learnt."""
        self.answers = 0
        """Stands for the answers that it has had, and that may still be in the middle of an expression."""
        self.count = 0
        """Of the random values that it has drawn."""
        self.failures = 0
        """Calls that failed."""
        self._run = run
        self.greenlet = greenlet.greenlet(self._main, parent=hub.greenlet)

    def _main(self, how: str) -> None:
        try:
            self._run()
        except Killed:
            pass
        finally:
            self.is_done = True

    def pause(self, hows: tuple[str, ...] = (GO,)) -> str:
        """Let the hub choose; return how this step goes. Raise Killed."""
        if self.hub.choose is None:
            self._die_if_killed()
            return GO
        self.hows = hows
        return self._switch()

    def wait(self, event: Event | None, seconds: float | None) -> None:
        """Wait for an event, for so many seconds at most. Raise Killed."""
        self.event = event
        if not _is_amid_an_expression(sys._getframe(1)):
            self.answers = 0
        self.deadline_s = None if seconds is None else self.hub.now_s + seconds
        self._switch()
        self.learn("woken" if event is None or event.is_set() else "timed out")

    def _switch(self) -> str:
        self._die_if_killed()
        how: str = self.hub.greenlet.switch()
        self.event = self.deadline_s = None
        self.hows = (GO,)
        self._die_if_killed()
        return how

    def _die_if_killed(self) -> None:
        if self.hub.is_over or (self.process is not None and self.process.is_dead):
            raise Killed

    def expect(self, what: object) -> None:
        """Note what it will learn, as an answer is on its way to it."""
        self.log = hash((self.log, repr(what)))
        self.answers = hash((self.answers, repr(what)))

    def learn(self, what: object) -> None:
        """Note what decides how this actor, and its process, go on."""
        learnt = (self.name, self.hub.now_s, self.hub.wall_us, repr(what))
        self.log = hash((self.log, learnt))
        self.answers = hash((self.answers, repr(what)))
        if self.process is not None:
            self.process.log = hash((self.process.log, learnt))

    def state(self, walk: Walk) -> int:
        """Return where it is, and what it holds."""
        inside = walk.frames(self.greenlet.gr_frame) if self.greenlet else walk(self._run)
        at = self.process.name if self.process is not None else None
        waits = (self.hows, self.deadline_s, self.can_run)
        return hash((self.name, at, waits, self.answers, self.count, self.failures, inside))

    @property
    def can_run(self) -> bool:
        """Whether it waits for nothing, if it is not done."""
        if self.process is not None and self.process.is_dead:
            return True  # to be ended
        if self.event is None and self.deadline_s is None:
            return True
        is_due = self.deadline_s is not None and self.hub.now_s >= self.deadline_s
        return is_due or (self.event is not None and self.event.is_set())


class Hub:
    """Runs actors. `choose` gets the steps that can be next, the default first, and returns one's index.

    Without it, each actor goes on until it must wait.
    """

    def __init__(self) -> None:
        self.greenlet = greenlet.getcurrent()
        self.choose: Callable[[Hub, Sequence[Step]], int] | None = None
        self.actors: list[Actor] = []
        self.now_s = 1000.0
        self.wall_us = 1_767_268_800_000_009
        self.is_over = False
        self.trace: list[Line] = []
        self.steps = 0
        self._current: Actor | None = None
        self._in_a_row = 0

    @property
    def actor(self) -> Actor:
        """The actor that is running."""
        assert self._current is not None
        return self._current

    def spawn(self, name: str, run: Callable[[], object], process: Process | None = None) -> Actor:
        """Add an actor."""
        actor = Actor(self, name, run, process)
        self.actors.append(actor)
        return actor

    def take_over(self) -> None:
        """Make the running code an actor, without any other."""
        self._current = self.spawn("this", lambda: None)

    def note(self, what: str, answer: object = NoAnswer) -> None:
        """Add a line to the trace."""
        self.trace.append(Line(self._current.name if self._current else "", what, answer))

    def run(self, until: Callable[[], bool]) -> None:
        """Let steps be chosen until that is so, or nothing can go on any more. Raise Livelock."""
        while not until():
            self._end_the_killed()
            runnable = [actor for actor in self.actors if not actor.is_done and actor.can_run]
            if not runnable:
                if not self._let_time_pass():
                    return
                continue
            steps = self._steps(runnable)
            self._make(
                steps[0] if self.choose is None or len(steps) == 1 else steps[self.choose(self, steps)]
            )

    def _end_the_killed(self) -> None:
        """End the threads of a killed process. Its clients still have a step: they are cut off."""
        for actor in self.actors:
            if actor.is_background and actor.process is not None and actor.process.is_dead:
                actor.is_done = True  # its greenlet is ended with the execution

    def _steps(self, runnable: list[Actor]) -> list[Step]:
        """Return the steps that can be next: of the current actor, then of the others by their age."""
        current = self._current
        goes_on = current in runnable and self._in_a_row < MOST_IN_A_ROW
        if current in runnable:
            runnable.remove(current)
            runnable.insert(0 if goes_on else len(runnable), current)
        return [
            Step(actor, how, interrupts=goes_on and actor is not current)
            for actor in runnable
            for how in actor.hows
        ]

    def _make(self, step: Step) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Livelock(f"the execution does not end after {MOST_STEPS} steps")
        self._in_a_row = self._in_a_row + 1 if step.actor is self._current else 0
        self._current = step.actor
        step.actor.greenlet.switch(step.how)

    def _let_time_pass(self) -> bool:
        """Move the clock to the next deadline; return whether there is one."""
        deadlines = [actor.deadline_s for actor in self.actors if not actor.is_done and actor.deadline_s]
        if not deadlines:
            return False
        next_s = min(deadlines)
        self.wall_us += round((next_s - self.now_s) * 1_000_000)
        self.now_s = next_s  # exactly: a sum could be rounded to just before it
        self._current = None  # it has waited: who goes on is free, also if it is woken again
        return True

    def end(self) -> None:
        """End all actors."""
        self.is_over = True
        for actor in self.actors:
            if actor.greenlet:
                actor.greenlet.throw(Killed)

    @property
    def clock(self) -> tuple[float, int]:
        """Return what it is that durations are measured with, and what messages are stamped with."""
        return self.now_s, self.wall_us

    def state(self, walk: Walk) -> int:
        """Return where the actors are, and what they hold."""
        current = self._current
        goes_on = current is not None and not current.is_done and current.can_run
        return hash(
            (
                self.clock,
                current.name if current is not None and goes_on else None,
                tuple([one.state(walk) for one in self.actors if not one.is_done]),
            )
        )

    def fingerprint(self) -> int:
        """Return what the actors have learnt, in its order, and where they are."""
        return hash(
            (
                self.now_s,
                self.wall_us,
                self._current and self._current.name,
                tuple(
                    (one.name, one.log, one.hows, one.deadline_s, one.can_run)
                    for one in self.actors
                    if not one.is_done
                ),
            )
        )


def _is_amid_an_expression(frame: FrameType | None) -> bool:
    """Return whether a thread waits for its turn, or for a lock: in the middle of an expression."""
    while frame is not None:
        if frame.f_code.co_filename.endswith(_AMID):
            return True
        frame = frame.f_back
    return False
