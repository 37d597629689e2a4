"""Reading a file's values into typed structures: what does not fit is one sentence, with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from msgspec import Meta, Struct, ValidationError, convert

from harness.printable import printable

T = TypeVar("T")
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Moment = Annotated[float, Meta(ge=0, le=86_400)]
"""Seconds after a beginning."""
Count = Annotated[int, Meta(gt=0, le=1_000_000)]
Pairs = Annotated[int, Meta(gt=0, le=100)]
Place = tuple[str | int | None, ...]
"""The keys that lead to a value."""
_MESSAGE = re.compile(r"(.*?)(?: - at `\$\.?([\w.\[\]]*)`)?", re.DOTALL)
_STEP = re.compile(r"(\w+)|\[(.+?)\]")
_UNKNOWN = re.compile(r"[Oo]bject contains unknown field `(.*)`", re.DOTALL)
_BARE = re.compile(r"[\w-]+", re.ASCII)


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """A structure in a file; unknown keys are refused."""


class Misfit(ValueError):
    """A value that does not fit; the sentence has its place, and `key` is the key that is wrong.

    Without `shows_value` the sentence says enough of the value.
    """

    def __init__(
        self,
        sentence: str,
        place: Place,
        *,
        key: Place | None = None,
        rest: str = "",
        shows_value: bool = True,
    ) -> None:
        self.key = place if key is None else key
        self.shows_value = shows_value
        named = f" at `{spelled(place)}`" if place else ""
        super().__init__(printable(f"{sentence}{named}{rest}"))


def typed(value: Any, kind: type[T]) -> T:
    """Return the value as a `kind`.

    Raise Misfit, a ValueError, with what is wrong, where, and what would be legal, as the end of a sentence
    on one line.
    """
    try:
        return _converted(value, kind)
    except ValidationError as error:
        raise _misfit(str(error), value, kind) from None


def _converted(value: Any, kind: type[T]) -> T:
    return convert(value, kind, dec_hook=lambda custom, given: custom.read(given))


def _misfit(message: str, value: Any, kind: Any) -> Misfit:
    wrong, at = _MESSAGE.fullmatch(message).groups(default="")  # type: ignore[union-attr] # fits all
    place = _named(tuple(_steps(at)), value, kind)
    sentence = wrong[0].lower() + wrong[1:]
    unknown = _UNKNOWN.fullmatch(wrong)
    is_choice = "enum value" in wrong
    legal = f"; legal are {', '.join(_legal(_kind_at(kind, at)))}" if unknown or is_choice else ""
    key = (*place, unknown[1]) if unknown else place
    return Misfit(sentence, place, key=key, rest=legal, shows_value=not legal)


def _steps(at: str) -> Any:
    for step in _STEP.finditer(at):
        yield step[1] or (int(step[2]) if step[2].isdigit() else None)


def _named(place: Place, value: Any, kind: Any) -> Place:
    """Return the place with the key of a mapping that is wrong, where the place says only that one is."""
    if None not in place:
        return place
    before = place[: place.index(None)]
    keys = list(value_at(value, before))
    wrong = [key for key in keys if not _is_right(_with_one(value, before, key), kind)]
    return _named((*before, (wrong or keys)[0], *place[len(before) + 1 :]), value, kind)


def _with_one(value: Any, place: Place, key: Any) -> Any:
    """Return a value whose mapping at a place has this key alone."""
    if not place:
        return {key: value[key]}
    inner = _with_one(value[place[0]], place[1:], key)
    if isinstance(value, Mapping):
        return {**value, place[0]: inner}
    return [inner if at == place[0] else each for at, each in enumerate(value)]


def _is_right(value: Any, kind: Any) -> bool:
    try:
        _converted(value, kind)
    except ValidationError:
        return False
    return True


def value_at(value: Any, place: Place) -> Any:
    """Return what is at a place. Raise LookupError or TypeError when nothing is."""
    for step in place:
        value = value[step]
    return value


def spelled(place: Place) -> str:
    """Return a place as TOML spells a key, and an element of a list as `[0]`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = str(step) if _BARE.fullmatch(str(step)) else f'"{step}"'
            text += f".{name}" if text else name
    return text


def _kind_at(kind: Any, place: str) -> Any:
    for step in _STEP.finditer(place):
        several = [one for one in get_args(kind) if one is not ...]  # tuple[X, ...], Mapping[str, X]
        kind = get_type_hints(kind)[step[1]] if step[1] else several[-1]
    return kind


def _legal(kind: Any) -> list[str]:
    """Return the fields of a structure, the members of an enumeration, or the values of a Literal."""
    return sorted(map(str, getattr(kind, "__struct_fields__", None) or get_args(kind) or kind))
