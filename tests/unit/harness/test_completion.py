"""What the shells complete, asked as they ask: bash, and zsh and fish where they are installed."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.commands.setting_up import SHELLS

ROOT = Path(__file__).parents[3]
WITHIN_S = 30.0
BASH = """
eval "$(pollproof completion bash)"
COMP_LINE={line} COMP_POINT={at} COMP_TYPE=9
_python_argcomplete pollproof
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
CASES = [
    ("pollproof com", {"compare", "completion"}),
    ("pollproof run --se", {"--section", "--seed"}),
    ("pollproof run --only QUEUE-1", {"QUEUE-10", "QUEUE-11", "QUEUE-12"}),
    ("pollproof client --only CLIENT-2", {"CLIENT-20", "CLIENT-21"}),
    ("pollproof run --section mess", {"message-flow"}),
    ("pollproof run --target reference-s", {"reference-sentinel"}),
    ("pollproof run --target harness/targets/reference-s", {"harness/targets/reference-sentinel.toml"}),
    ("pollproof check CHANGE", {"CHANGELOG.md"}),
    ("pollproof doctor mon", {"mongod"}),
]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which `pollproof` is this checkout's."""
    program = tmp_path / "bin" / "pollproof"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m harness "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}


def of(shell: str) -> str:
    return shutil.which(shell) or pytest.skip(f"{shell} is not installed")


def printed(words: list[str], env: dict[str, str]) -> list[str]:
    done = subprocess.run(
        words, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=WITHIN_S, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(("line", "completed"), CASES)
def test_bash_completes(line: str, completed: set[str], env: dict[str, str]) -> None:
    script = BASH.format(line=shlex.quote(line), at=len(line))
    found = {word.strip() for word in printed([of("bash"), "-c", script], env)}
    assert completed <= found
    assert all(word.startswith(line.split()[-1]) for word in found)


def test_bash_offers_nothing_where_a_number_belongs(env: dict[str, str]) -> None:
    line = "pollproof run --seed "
    assert printed([of("bash"), "-c", BASH.format(line=shlex.quote(line), at=len(line))], env) == [""]


@pytest.mark.parametrize(("line", "completed"), CASES)
def test_fish_completes(line: str, completed: set[str], env: dict[str, str]) -> None:
    script = f"pollproof completion fish | source; complete -C {shlex.quote(line)}"
    assert completed <= {word.partition("\t")[0] for word in printed([of("fish"), "-c", script], env)}


@pytest.fixture
def zsh(env: dict[str, str]) -> Iterator[int]:
    """A terminal with zsh in it, which has loaded the completion."""
    master, slave = pty.openpty()
    shell = of("zsh")
    process = subprocess.Popen(
        [shell, "-f", "-i"], cwd=ROOT, env=env | {"TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    try:
        os.write(master, b'autoload -U compinit && compinit -u -D; eval "$(pollproof completion zsh)"\n')
        os.write(master, b"echo re''ady\n")
        shown(master, "ready")
        yield master
    finally:
        process.kill()
        process.wait()
        os.close(master)


def shown(terminal: int, wanted: str) -> str:
    """Return what a terminal shows, as soon as `wanted` is there."""
    text, until = "", time.monotonic() + WITHIN_S
    while wanted not in text:
        left_s = until - time.monotonic()
        assert left_s > 0, f"no {wanted!r} within {WITHIN_S} s: {text!r}"
        if select.select([terminal], [], [], left_s)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text


def test_zsh_completes_and_says_what_a_row_is_about(zsh: int) -> None:
    os.write(zsh, b"pollproof run --only FLOW-0\t\t")
    assert "FLOW-01  -- Two users" in shown(zsh, "FLOW-07  -- ")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_code_for_a_shell_is_code_that_it_takes(shell: str, env: dict[str, str]) -> None:
    script = "\n".join(printed(["pollproof", "completion", shell], env))
    assert "pollproof" in script
    subprocess.run(
        [of(shell), "-n", "/dev/stdin"], input=script, encoding="utf-8", check=True, timeout=WITHIN_S
    )


def test_a_plan_that_cannot_be_read_completes_nothing_and_says_nothing(
    env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "TEST_REALTIME_MESSAGING.md").write_text("no table", encoding="utf-8")
    line = "pollproof run --only FLOW-0"
    script = BASH.format(line=shlex.quote(line), at=len(line))
    done = subprocess.run(
        [of("bash"), "-c", script],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=WITHIN_S,
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
