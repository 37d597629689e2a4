"""A process that serves on a port of 127.0.0.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from harness.errors import ProcessDied, UsageError
from harness.stack.probe import Address
from harness.stack.processes import Process
from harness.stack.reaper import family
from harness.stack.waiting import free_port, port_is_free

HOST = "127.0.0.1"
PORT_ATTEMPTS = 5
SAID_OF_A_PORT = 1000
"""In how many last lines the reason is looked for: mongod prints thirty more before it ends."""
PORT_IS_TAKEN = ("address already in use", "connection in use")  # the second is gunicorn's


class ServerProcess(Process):
    """A program that listens; `{port}` in `command` and in the values of `env` stands for its port.

    Without `port` a free one is chosen at the first start, another one if a different program takes it first,
    and then kept for every later start. `env` is added to the harness's own environment.
    """

    ready_deadline_s = 30.0
    not_ready_yet: tuple[type[Exception], ...] = (OSError,)
    """What `ready` may raise as long as it does not answer."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(name, command, log=log, env=env, cwd=cwd)
        self._words = list(command)
        self._extra_env = dict(env or {})
        self._port = port
        self._port_is_kept = port is not None

    @property
    def address(self) -> Address:
        """Where it listens, or will."""
        if self._port is None:
            self._port = free_port()
        return (HOST, self._port)

    def ready(self) -> bool:
        """Return whether it answers as it should; may raise `not_ready_yet`."""
        raise NotImplementedError

    def listens(self) -> bool:
        """Return whether this program or a child of it has its port, and not another program.

        Without this check a run could take another run's Redis for its own, and flush it.
        """
        return any(self.address[1] in listening_ports(process) for process in family(self.pid))

    def words(self) -> list[str]:
        """Return the command of its next start, in which `{port}` stands for its port."""
        return self._words

    def launch(self) -> None:
        """Start it without waiting. Raise UsageError when its port is taken or the program does not exist."""
        port = self.address[1]
        if self._port_is_kept and not self.running and not port_is_free(port):
            raise UsageError(f"{self.name} needs port {port} of {HOST}, which is already in use.")
        self.command = [word.replace("{port}", str(port)) for word in self.words()]
        self.env = {key: value.replace("{port}", str(port)) for key, value in self._extra_env.items()}
        super().launch()

    def start(self) -> None:
        """Start it and wait until it is ready; see `launch` and `await_ready` for the errors."""
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        """Wait for it after `launch`, and launch it on another port if a different program took its own.

        Raise ProcessDied, or DeadlineMissed after `ready_deadline_s`, each with its last lines; it has then
        been killed.
        """
        try:
            for _ in range(PORT_ATTEMPTS):
                if self._came_up():
                    self._port_is_kept = True
                    return
                self.kill()
                self._port = None
                self.launch()
            raise UsageError(f"{self.name} lost {PORT_ATTEMPTS} ports in a row to other programs.")
        except BaseException:
            self.kill()
            raise

    def _came_up(self) -> bool:
        """Return whether it is ready; False when a different program has its port."""
        try:
            return self.wait_until_ready(
                lambda: self.ready() and self.listens(),
                deadline_s=self.ready_deadline_s,
                retry_on=self.not_ready_yet,
            )
        except ProcessDied:
            said = self.last_lines(SAID_OF_A_PORT).lower()
            if self._port_is_kept or not any(text in said for text in PORT_IS_TAKEN):
                raise
            return False


def listening_ports(process: psutil.Process) -> set[int]:
    """Return the ports that a process listens on; none if it has ended."""
    try:
        connections = process.net_connections("tcp")
    except psutil.NoSuchProcess:
        return set()
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
