"""The help of every command: legible at 80 columns, its options grouped, its examples true."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from harness.cli.base_parser import Parser
from harness.cli.parser import parser
from harness.program import PROGRAM

PROGRAM_WORDS = PROGRAM.split()


def commands() -> dict[str, Parser]:
    """Each command's parser by its name, and the whole program's as ''."""
    whole = parser()
    (found,) = (one for one in whole._actions if isinstance(one, argparse._SubParsersAction))
    return {"": whole, **found.choices}


def examples_of(command: Parser) -> Iterator[str]:
    """The commands that a help shows as examples."""
    lines = command.format_help().partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    return (line.strip() for line in lines if not line.startswith("    "))


COMMANDS = sorted(commands())


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_of_the_help_is_wider_than_the_terminal(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = commands()[name].format_help().splitlines()
    assert len(lines) > 10, "usage, what it does, options, examples, exit codes"
    assert max(map(len, lines)) <= columns, max(lines, key=len)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_that_it_would_accept(name: str) -> None:
    examples = list(examples_of(commands()[name]))
    assert examples
    for example in examples:
        words = shlex.split(example.partition(" | ")[0])
        assert words[:3] == PROGRAM_WORDS, example
        assert words[3] == name or not name, f"{example}: it is an example of another command"
        if words[-1] != "--help":
            assert callable(parser().parse_args(words[3:]).command)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_its_exit_codes_mean(name: str) -> None:
    _, _, said = commands()[name].format_help().partition("exit codes:\n")
    codes = [line.split()[0] for line in said.splitlines()]
    assert "2" in codes
    assert codes == sorted(codes, key=int)
    assert all(len(line.split()) > 1 for line in said.splitlines())


@pytest.mark.parametrize("name", [name for name in COMMANDS if name])
def test_every_option_but_help_has_a_heading_that_says_what_it_is_about(name: str) -> None:
    command = commands()[name]
    ungrouped = [
        action.dest
        for group in command._action_groups
        if group.title in ("options", "positional arguments")
        for action in group._group_actions
    ]
    assert ungrouped == ["help"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--jobs", "a\nb"], r"--jobs: 'a\nb' is not a whole number from 1 on"),
        (["run", "a\n\x1b[31mb"], r"unrecognized arguments: a\n\x1b[31mb"),
        (
            ["chaos", "--minutes", "nan"],
            "--minutes: 'nan' is not a number of minutes above 0 and",
        ),
        (["chaos", "--minutes", "0"], "--minutes: '0' is not a number of minutes above 0"),
        (["soak", "--minutes", "inf"], "--minutes: 'inf' is not a number of minutes above 0"),
        (["soak", "--minutes", "two"], "--minutes: 'two' is not a number of minutes above 0"),
        (["run", "--workers", "٣"], "--workers: '٣' is not a whole number from 1 on"),
        (["run", "--seed", "x"], "--seed: 'x' is not a whole number"),
        (["rnu"], "there is no command 'rnu'; did you mean run?"),
        (["help"], "there is no command 'help'; did you mean --help?"),
        (["frobnicate"], "there is no command 'frobnicate'; choose from run, init, try, "),
        ([], "the following arguments are required: COMMAND; python -m harness --help lists them"),
        (["run", "--onyl", "X"], "run: error: unrecognized arguments: --onyl X; did you mean --only"),
        (["serve", "--prot=3"], "unrecognized arguments: --prot=3; did you mean --port"),
        (["run", "FLOW-01"], "unrecognized arguments: FLOW-01; did you mean --only FLOW-01?"),
        (["exec", "ls", "-l"], "unrecognized arguments: -l; write -- before the command that has them"),
        (["compare", "a", "b", "--format", "jsno"], "there is no choice 'jsno'; did you mean json?"),
        (["completion", "tcsh"], "there is no choice 'tcsh'; choose from bash, zsh, fish"),
    ],
)
def test_what_cannot_be_parsed_is_one_line_below_the_usage(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: python -m harness")
    assert said in error


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pollproof {version('pollproof')}\n"
