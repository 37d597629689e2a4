"""Which executions are tried: all of them within bounds, or random ones.

Bounds are those of iterative context bounding (Musuvathi and Qadeer, PLDI 2007): how often an actor that
could go on is interrupted, and how many faults there are. An execution that reaches a state in which one with
no fewer of both left has been is not continued: how it would go on was, or will be, tried from there.
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.history import Violation
from tests.simulation.hub import Hub, Line, Livelock, Step
from tests.simulation.promises import check
from tests.simulation.world import Setting, World

COLLECT_EVERY = 500
"""Executions: each leaves a world of cycles. The collector by itself would take a fifth of the time."""


@dataclass(frozen=True)
class Bounds:
    """The most interruptions and faults of an execution."""

    interruptions: int
    faults: int


@dataclass(frozen=True)
class Scenario:
    """What happens, in any order: `begin` adds the actors to a world, in which those of `before` have ended.

    All executions within `bounds` are tried for docs/model.md.
    """

    name: str
    sentence: str
    setting: Setting
    begin: Callable[[World], object]
    before: Callable[[World], object] = lambda world: None
    bounds: Bounds = Bounds(1, 0)
    is_large: bool = False
    """Whether all of its executions take many minutes: tried only if it is named, and random ones always."""


@dataclass
class Found:
    """An execution that breaks a promise."""

    why: str
    trace: list[Line]


@dataclass
class Search:
    """All executions of a scenario within bounds, those first that depart least often from the default.

    `executions` counts those that were begun, `states` where they had a choice.
    """

    scenario: Scenario
    bounds: Bounds
    by_history: bool = False
    """Whether states are the same only if all was learnt in the same order: many more of them."""
    executions: int = 0
    states: dict[int, list[Bounds]] = field(default_factory=dict)
    ends: set[tuple[object, ...]] = field(default_factory=set)
    """How executions have ended: see World.end."""
    reasons: set[str] = field(default_factory=set)
    """Why executions break a promise."""
    may_fail: bool = False
    """Whether there was a step that could have been a fault."""
    is_complete: bool = False
    """Whether all were tried."""

    def run(self, most: int | None = None, *, cpu_s: float = math.inf, goes_on: bool = False) -> Found | None:
        """Try them all, or so many, or for so long; return the first that breaks a promise.

        If it `goes_on`, only note the `reasons`.
        """
        until_s = time.process_time() + cpu_s
        beginnings: deque[tuple[int, ...]] = deque([()])
        while beginnings and (most is None or self.executions < most) and time.process_time() < until_s:
            execution = _Path(beginnings.popleft(), self.bounds, self._is_new)
            self.executions += 1
            found = execute(self.scenario, execution, self.ends.add)
            if found and not goes_on:
                return found
            self.reasons |= {found.why} if found else set()
            beginnings += execution.others
            self.may_fail |= execution.may_fail
            if self.executions % COLLECT_EVERY == 0:
                gc.collect()
        self.is_complete = not beginnings
        return None

    def _is_new(self, world: World, left: Bounds) -> bool:
        state = world.fingerprint() if self.by_history else world.state()
        seen = self.states.setdefault(state, [])
        if any(one.interruptions >= left.interruptions and one.faults >= left.faults for one in seen):
            return False
        seen.append(left)
        return True


class _Known(Exception):
    """An earlier execution has been in this state."""


class _Path:
    """The choices of one execution: its beginning, then the defaults. `others` are more beginnings."""

    def __init__(
        self, beginning: tuple[int, ...], left: Bounds, is_new: Callable[[World, Bounds], bool]
    ) -> None:
        self._beginning = beginning
        self._taken: list[int] = []
        self._left = left
        self._is_new = is_new
        self.others: list[tuple[int, ...]] = []
        self.may_fail = False
        self.world: World | None = None

    def __call__(self, hub: Hub, steps: Sequence[Step]) -> int:
        allowed = [index for index, step in enumerate(steps) if _is_within(step, self._left)]
        self.may_fail = self.may_fail or any(step.is_fault for step in steps)
        if len(allowed) == 1:
            return allowed[0]
        if len(self._taken) < len(self._beginning):
            chosen = self._beginning[len(self._taken)]
        else:
            self.visit()
            chosen = allowed[0]
            self.others += [(*self._taken, other) for other in allowed[1:]]
        self._taken.append(chosen)
        self._left = _after(steps[chosen], self._left)
        return chosen

    def visit(self) -> None:
        """Raise _Known if an earlier execution went on from here."""
        assert self.world is not None
        if not self._is_new(self.world, self._left):
            raise _Known


class _Walk:
    """Random choices: an actor mostly goes on."""

    def __init__(self, seed: int, bounds: Bounds) -> None:
        self._random = random.Random(seed)
        self._left = bounds
        self.world: World | None = None

    def __call__(self, hub: Hub, steps: Sequence[Step]) -> int:
        allowed = [index for index, step in enumerate(steps) if _is_within(step, self._left)]
        free = [index for index in allowed if not (steps[index].interrupts or steps[index].is_fault)]
        chosen = self._random.choice(free if self._random.random() < 0.8 else allowed)
        self._left = _after(steps[chosen], self._left)
        return chosen

    def visit(self) -> None:
        """Go on in any case."""


def walks(scenario: Scenario, bounds: Bounds, seeds: range) -> Iterator[Found | None]:
    """Yield for each seed whether its random execution breaks a promise."""
    for seed in seeds:
        yield execute(scenario, _Walk(seed, bounds))


def execute(
    scenario: Scenario,
    choices: _Path | _Walk,
    ended: Callable[[tuple[object, ...]], object] = lambda end: None,
) -> Found | None:
    """Run one execution to its end, which `ended` is told; return it if it breaks a promise."""
    world = choices.world = World(scenario.setting)
    try:
        scenario.before(world)
        world.run()
        world.hub.trace.clear()
        scenario.begin(world)
        world.run(choices)
        ended(world.end())
        choices.visit()
        world.heal()
        check(world)
    except _Known:
        return None
    except (Violation, Livelock) as violation:
        return Found(str(violation), world.hub.trace)
    except Exception as error:  # noqa: BLE001 - whatever a broken server raises is found, as a 500 would be
        return Found(f"available: {error!r}", world.hub.trace)
    finally:
        world.hub.end()
    return None


def _is_within(step: Step, left: Bounds) -> bool:
    return step.interrupts <= left.interruptions and step.is_fault <= left.faults


def _after(step: Step, left: Bounds) -> Bounds:
    return Bounds(left.interruptions - step.interrupts, left.faults - step.is_fault)
