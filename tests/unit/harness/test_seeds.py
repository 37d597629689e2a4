"""Several seeds are written 7, 1-20 or 3,17."""

from __future__ import annotations

import pytest

from harness.cli.parser import parser
from harness.cli.seeds import seeds_from


def test_seeds_are_named_one_by_one_and_from_to() -> None:
    assert seeds_from("7") == (7,)
    assert seeds_from("-7") == (-7,)
    assert seeds_from("1-4") == (1, 2, 3, 4)
    assert seeds_from("3,17, 20-22,3") == (3, 17, 20, 21, 22)


@pytest.mark.parametrize("text", ["", "many", "5-1", "1-x", "1.5", "3,", "1-2-3", "٣", "1-99999999999"])
def test_what_names_no_seed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seeds"):
        seeds_from(text)


def test_chaos_takes_one_seed_or_several() -> None:
    def seeds(*words: str) -> object:
        return parser().parse_args(["chaos", *words]).seeds

    assert seeds() is None
    assert seeds("--seed", "7") == (7,)
    assert seeds("--seed", "5-7") == (5, 6, 7)
    assert seeds("--seeds", "3") == (1, 2, 3)


@pytest.mark.parametrize("words", [["--seeds", "0"], ["--seed", "x"], ["--seed", "1", "--seeds", "2"]])
def test_other_seeds_are_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["chaos", *words])
    assert ended.value.code == 2
    assert "seed" in capsys.readouterr().err
