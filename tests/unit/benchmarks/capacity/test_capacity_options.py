"""The command line of the capacity search."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.capacity.command_line import main


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Keeps the command's signal handlers out of the other tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


def test_a_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["--reports", str(tmp_path / "file")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("harness: ")
    assert "--reports FOLDER puts it elsewhere" in said


def test_a_target_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "nowhere.toml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("harness: ")
    assert "nowhere.toml" in said
