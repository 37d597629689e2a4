"""The state of a worker's memory and of an actor, whatever order of steps has led to it.

Two executions in the same state go on in the same way. A hash of all that was learnt, in its order, stands
for this state, too, but tells apart what is the same: a notice before an answer, and the answer before the
notice. So this walks through the objects themselves: what they hold, and which are one and the same.

What an expression has computed so far, in the middle of which a thread waits, cannot be seen. It comes from
answers of the stores, for which Actor.answers stands, or from variables; with one exception, the relay's list
of several mailboxes that are suspected, of which no scenario has two.
"""

from __future__ import annotations

import enum
import functools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any

_ATOMS = frozenset({str, bytes, int, float, bool, type(None)})


class Walk:
    """Hashes objects. `opaque` returns what stands for one that is hashed apart, or None."""

    def __init__(self, opaque: Callable[[Any], object | None]) -> None:
        self._opaque = opaque
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []
        """All that was met: an id must not be used a second time."""

    def __call__(self, value: Any) -> int:
        """Return a hash of what an object holds."""
        kind = type(value)
        if kind in _ATOMS:
            return hash((kind, value))
        if (number := self._met.get(id(value))) is not None:
            return hash(("again", number))
        if (name := self._opaque(value)) is not None:
            return hash(name)
        self._met[id(value)] = len(self._met)
        self._kept.append(value)
        return hash((kind.__qualname__, self._inside(value, kind)))

    def frames(self, frame: FrameType | None) -> int:
        """Return a hash of where a thread is, and of the local variables there."""
        found = []
        while frame is not None:
            found.append((id(frame.f_code), frame.f_lasti, self._named(frame.f_locals)))
            frame = frame.f_back
        return hash(tuple(found))

    def _inside(self, value: Any, kind: type) -> object:
        if way := _WAYS.get(kind):
            return way(self, value)
        if issubclass(kind, enum.Enum):
            return value.name
        if issubclass(kind, BaseException):
            return self._all(value.args)
        for base, way in _WAYS.items():
            if issubclass(kind, base):
                return way(self, value)
        return self._named(_attributes(value, kind))

    def _all(self, values: Iterable[Any]) -> object:
        return tuple([self(each) for each in values])

    def _any_order(self, values: Iterable[Any]) -> object:
        return tuple(sorted(Walk(self._opaque)(each) for each in values))

    def _pairs(self, values: Mapping[Any, Any]) -> object:
        return tuple([(self(key), self(value)) for key, value in values.items()])

    def _named(self, values: Mapping[str, Any]) -> object:
        return tuple([(name, self(value)) for name, value in values.items()])

    def _function(self, value: FunctionType) -> object:
        return id(value.__code__), self._all(value.__closure__ or ()), self._all(value.__defaults__ or ())

    def _cell(self, value: CellType) -> object:
        try:
            return self(value.cell_contents)
        except ValueError:  # it is empty
            return None


def _attributes(value: Any, kind: type) -> dict[str, Any]:
    names = _slots(kind)
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return found | getattr(value, "__dict__", {})


@functools.cache
def _slots(kind: type) -> tuple[str, ...]:
    declared = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    names = [name for one in declared for name in ([one] if isinstance(one, str) else one)]
    return tuple(name for name in names if name not in ("__weakref__", "__dict__"))


_WAYS: dict[type, Callable[[Walk, Any], object]] = {
    list: Walk._all,
    tuple: Walk._all,
    deque: Walk._all,
    set: Walk._any_order,
    frozenset: Walk._any_order,
    dict: Walk._pairs,
    OrderedDict: Walk._pairs,
    FunctionType: Walk._function,
    MethodType: lambda walk, value: (id(value.__func__), walk(value.__self__)),
    BuiltinMethodType: lambda walk, value: (value.__name__, walk(value.__self__)),
    functools.partial: lambda walk, value: (walk(value.func), walk._all(value.args)),
    CellType: Walk._cell,
    GeneratorType: lambda walk, value: walk.frames(value.gi_frame),
    CodeType: lambda walk, value: id(value),
    ModuleType: lambda walk, value: value.__name__,
    type: lambda walk, value: id(value),
}
