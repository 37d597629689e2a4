"""Values of options: what is accepted, and the sentence for what is not."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

import pytest

from harness.option_types import above_0_up_to, count, count_from_0, count_up_to, one_of, whole

Convert = Callable[[str], Any]
POLLERS = count_up_to(50_000)
SECONDS = above_0_up_to(86_400, "seconds")
SHAPES = one_of(("steady", "ramp"))


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (whole, "-7", -7),
        (whole, "9" * 40, int("9" * 40)),
        (count, "1", 1),
        (count_from_0, "0", 0),
        (POLLERS, "50000", 50_000),
        (SECONDS, "86400", 86_400.0),
        (SECONDS, "1e-3", 0.001),
        (SHAPES, "ramp", "ramp"),
    ],
)
def test_what_is_right_is_converted(convert: Convert, text: str, value: object) -> None:
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "said"),
    [
        (whole, "is not a whole number"),
        (count, "is not a whole number from 1 on"),
        (count_from_0, "is not a whole number from 0 on"),
        (POLLERS, "is not a whole number from 1 to 50000"),
        (SECONDS, "is not a number of seconds above 0 and up to 86400"),
        (SHAPES, "is not one of steady, ramp"),
    ],
)
@pytest.mark.parametrize("text", ["", "x", "1.5.2", "nan", "--", "0x10", "9" * 5000 + "!"])
def test_what_is_wrong_is_named_in_one_sentence(convert: Convert, said: str, text: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        convert(text)
    assert str(caught.value) == f"{text!r} {said}"


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        *((count, text) for text in ("0", "-1", "1.0", "१", "²", "9" * 5000)),
        *((count_from_0, text) for text in ("-1", "1e3")),
        *((POLLERS, text) for text in ("0", "50001")),
        *((SECONDS, text) for text in ("0", "-1", "inf", "86400.1")),
        (whole, "9" * 5000),
    ],
)
def test_what_lies_outside_of_the_bounds_is_refused(convert: Convert, text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        convert(text)
