"""A program that is cut off from what it calls: its new connections are refused, those to it are not."""

from __future__ import annotations

import socket
import sys
import textwrap
from pathlib import Path

import pytest

from harness.errors import NotHere
from harness.stack import require_disks
from harness.stack.network import Network
from harness.stack.processes import Process
from harness.stack.waiting import wait_until

PROGRAM = textwrap.dedent(
    """
    import socket, sys, time
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5).close()
            print("connected", flush=True)
        except OSError as error:
            print(error.strerror, flush=True)
        time.sleep(0.02)
    """
)


@pytest.fixture
def supervised() -> None:
    try:
        require_disks()
    except NotHere as error:
        pytest.skip(error.sentence)


@pytest.mark.usefixtures("supervised")
def test_what_is_cut_off_is_refused_every_connection_until_its_network_works_again(tmp_path: Path) -> None:
    network = Network(tmp_path / "network")
    network.begin()
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        program = Process(
            "a caller",
            [sys.executable, "-c", PROGRAM, str(listener.getsockname()[1])],
            log=tmp_path / "log",
        )
        program.under = network.words

        def says_next(line: str) -> None:
            """Wait for a line that comes after all that was said so far."""
            so_far = len(said())
            wait_until(
                lambda: line in said()[so_far + 1 :], deadline_s=20, what=f"the caller to say {line!r}"
            )

        def said() -> list[str]:
            return program.log.read_text(encoding="utf-8").splitlines()

        program.launch()
        try:
            says_next("connected")
            assert network.refused == 0
            network.cut()
            says_next("Connection refused")
            assert network.refused
            so_far = len(said())
            wait_until(lambda: len(said()) > so_far + 5, deadline_s=20, what="five more attempts")
            assert "connected" not in said()[so_far:]
            network.work()
            says_next("connected")
        finally:
            program.kill()
