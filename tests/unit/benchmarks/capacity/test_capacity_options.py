"""The command line of the capacity search."""

from __future__ import annotations

import pytest

from benchmarks.capacity.command_line import main


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--first", "0"], "argument --first: '0' is not a whole number from 1 to 50000"),
        (["--ceiling", "many"], "argument --ceiling: 'many' is not a whole number from 1 to 50000"),
        (
            ["--send-every", "nan"],
            "argument --send-every: 'nan' is not a number of seconds above 0 and up to",
        ),
        (["--send-every", "a minute"], "argument --send-every: 'a minute' is not a number of seconds"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_target_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "nowhere.toml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("harness: ")
    assert "nowhere.toml" in said
