"""The command line that repeats a run: what a report tells, as people would type it."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from harness.cli.actions import asked_for
from harness.cli.parser import parser


@pytest.mark.parametrize(
    "words",
    [
        "run --seed 0",
        "run --seed 7 --only 'ERR-*' --only FLOW-02 --workers 3",
        "run --seed 7 --section message-flow --target 'a b.toml'",
        "soak --seed 7 --minutes 0.5",
        "client --seed 7 --only CLIENT-01 --target mine.toml",
    ],
)
def test_the_command_asks_for_the_same_again(words: str) -> None:
    first: Any = parser().parse_args(shlex.split(words))
    for name, value in {"only": [], "section": None, "workers": None}.items():
        setattr(first, name, getattr(first, name, value))
    asked = asked_for(first, words.split()[0])
    assert asked.startswith("python -m harness ")
    again: Any = parser().parse_args(shlex.split(asked)[3:])
    known = {key: value for key, value in vars(first).items() if hasattr(again, key)}
    assert {key: getattr(again, key) for key in known} == known
