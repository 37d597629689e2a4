"""Reading a file's values into typed structures: what does not fit is one sentence, with its place."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from msgspec import Meta, Struct, ValidationError, convert

from harness.printable import printable

T = TypeVar("T")
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(gt=0, le=1_000_000)]
_MESSAGE = re.compile(r"(.*?)(?: - at `\$\.?([\w.\[\]]*)`)?", re.DOTALL)
_STEP = re.compile(r"(\w+)|\[.+?\]")


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """A structure in a file; unknown keys are refused."""


def typed(value: Any, kind: type[T]) -> T:
    """Return the value as a `kind`.

    Raise ValueError with what is wrong, where, and what would be legal, as the end of a sentence on one line.
    """
    try:
        return convert(value, kind, dec_hook=lambda custom, given: custom.read(given))
    except ValidationError as error:
        wrong, place = _MESSAGE.fullmatch(str(error)).groups(default="")  # type: ignore[union-attr] # fits all
        sentence = wrong[0].lower() + wrong[1:] + (f" at `{place}`" if place else "")
        if "unknown field" in wrong or "enum value" in wrong:
            sentence += f"; legal are {', '.join(_legal(_kind_at(kind, place)))}"
        raise ValueError(printable(sentence)) from None


def _kind_at(kind: Any, place: str) -> Any:
    for step in _STEP.finditer(place):
        several = [one for one in get_args(kind) if one is not ...]  # tuple[X, ...], Mapping[str, X]
        kind = get_type_hints(kind)[step[1]] if step[1] else several[-1]
    return kind


def _legal(kind: Any) -> list[str]:
    """Return the fields of a structure, the members of an enumeration, or the values of a Literal."""
    return sorted(map(str, getattr(kind, "__struct_fields__", None) or get_args(kind) or kind))
