"""How the server starts, or says in one sentence why it does not: address, settings, the machine's limits."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import urllib3

from harness.stack import Services
from harness.stack.waiting import free_port, wait_until
from tests.edge.server.process import COMMAND, ROOT, SECRET, Chat, target
from tests.edge.server.wire import LIVE, Wire, request

NOWHERE = {"REDIS_URL": "redis://127.0.0.1:1/0", "MONGODB_URL": "mongodb://127.0.0.1:1/"}
STARTS_WITHIN_S = 50.0
SHORT_HEADS = [sys.executable, "-m", "tests.edge.programs.short_heads"]
HEAD_S = 2
AS_SYSTEMD_DOES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""
Environment = dict[bytes, bytes]


def environment(**env: str | bytes) -> Environment:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    everything: dict[str, str | bytes] = {**kept, "SECRET_KEY": SECRET, **NOWHERE, **env}
    return {os.fsencode(name): os.fsencode(value) for name, value in everything.items()}


def refusal(before: Callable[[], None] | None = None, **env: str | bytes) -> str:
    """The one sentence with which the server does not start."""
    ended = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(**env),
        preexec_fn=before,
        capture_output=True,
        timeout=STARTS_WITHIN_S,
        check=False,
    )
    said = ended.stderr.decode()
    assert (ended.returncode, ended.stdout) == (2, b""), said
    assert said.endswith(".\n")
    assert said.count("\n") == 1
    return said.removesuffix("\n")


@contextlib.contextmanager
def started(
    log: Path | int, command: list[str] = COMMAND, fds: tuple[int, ...] = (), **env: str | bytes
) -> Iterator[subprocess.Popen[bytes]]:
    """The server in a session of its own, ended afterwards; what it says goes to `log`."""
    with open(log, "wb", closefd=isinstance(log, Path)) as output:
        # `nohup` makes all that a test run starts ignore SIGHUP.
        heeding = ["env", "--default-signal=HUP", *command]
        process = subprocess.Popen(
            heeding, cwd=ROOT, env=environment(**env), stderr=output, pass_fds=fds, start_new_session=True
        )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        said = log.read_text(encoding="utf-8") if isinstance(log, Path) else ""
        assert process.wait(STARTS_WITHIN_S) == 0, said
        assert not [child for child in children if child.is_running()]


def answers(host: str, port: int) -> bool:
    with urllib3.PoolManager(retries=False, timeout=5.0) as http:
        return http.request("GET", f"http://{host}:{port}/health/live").status == 200


def wait_for_answer(host: str, port: int) -> None:
    wait_until(
        lambda: answers(host, port),
        deadline_s=STARTS_WITHIN_S,
        what=f"an answer of {host}",
        retry_on=(urllib3.exceptions.HTTPError,),
    )


def link_local() -> str | None:
    """An address of this machine that has a zone."""
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET6 and "%" in address.address:
                return address.address
    return None


class TestHost:
    @pytest.mark.parametrize(
        ("host", "url", "asked"),
        [
            ("127.0.0.1", "http://127.0.0.1", "127.0.0.1"),
            ("localhost", "http://127.0.0.1", "127.0.0.1"),
            ("0.0.0.0", "http://0.0.0.0", "127.0.0.1"),
            ("127.1", "http://127.0.0.1", "127.0.0.1"),
            ("::", "http://[::]", "[::1]"),
            ("::1", "http://[::1]", "[::1]"),
            ("0:0:0:0:0:0:0:1", "http://[::1]", "[::1]"),
            ("::ffff:127.0.0.1", "http://[::ffff:127.0.0.1]", "127.0.0.1"),
        ],
    )
    def test_every_spelling_is_served_and_logged_as_a_url(
        self, tmp_path: Path, host: str, url: str, asked: str
    ) -> None:
        if ":" in host and not socket.has_dualstack_ipv6():
            pytest.skip("this machine has no IPv6")
        port, log = free_port(), tmp_path / "log"
        with started(log, HOST=host, PORT=str(port), WORKERS="1"):
            wait_for_answer(asked, port)
            assert f"{url}:{port}" in log.read_text(encoding="utf-8").splitlines()[0]

    def test_an_address_may_have_a_zone(self, tmp_path: Path) -> None:
        host = link_local()
        if host is None:
            pytest.skip("this machine has no address with a zone")
        port, log = free_port(), tmp_path / "log"
        with started(log, HOST=host, PORT=str(port), WORKERS="1"):
            wait_until(lambda: _connects(host, port), deadline_s=STARTS_WITHIN_S, what="it to listen")
            assert f"http://[{host.replace('%', '%25')}]:{port}" in log.read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        "host", ["no-such-host.invalid", "256.1.1.1", "1:2", "::1%nosuch", "a..b", "a" * 64]
    )
    def test_what_is_not_an_address_of_this_machine_is_refused(self, host: str) -> None:
        assert refusal(HOST=host, PORT=str(free_port())).startswith("HOST ")

    @pytest.mark.parametrize("host", ["[::1]", "127.0.0.1:80", "http://h", "a b", "*", "unix:/tmp/socket"])
    def test_what_is_not_a_host_is_refused(self, host: str) -> None:
        assert refusal(HOST=host, PORT=str(free_port())).startswith("HOST")


def _connects(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), 5.0):
        return True
    return False


class TestSettings:
    @pytest.mark.parametrize(
        "env",
        [
            {},
            {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            {"LC_ALL": "C.UTF-8"},
        ],
        ids=["as it is", "POSIX", "UTF-8"],
    )
    def test_a_secret_that_is_not_utf_8_is_refused_in_any_locale(self, env: dict[str, str]) -> None:
        expected = "SECRET_KEY must be UTF-8, and text of 32 to 4,096 bytes."
        assert refusal(SECRET_KEY=b"\xff" * 40, **env) == expected

    def test_a_secret_is_the_same_in_any_locale(self, services: Services, tmp_path: Path) -> None:
        """A token of one instance is good for another one."""
        posix = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        one = target(services, tmp_path, SECRET_KEY="ä secret that is not only ASCII: €", WORKERS="1")
        other = target(
            services, tmp_path, SECRET_KEY="ä secret that is not only ASCII: €", WORKERS="1", **posix
        )
        other.env["MONGODB_DATABASE"] = other._extra_env["MONGODB_DATABASE"] = one.env["MONGODB_DATABASE"]
        one.start()
        other.start()
        try:
            chat = Chat(one.base_url)
            with urllib3.PoolManager(retries=False, timeout=10.0) as http:
                answer = http.request(
                    "GET",
                    f"{other.base_url}/api/users/messages/poll/{chat.bob.username}",
                    headers={"Authorization": f"Bearer {chat.bob.token}"},
                )
            assert answer.status == 200
            chat.close()
        finally:
            one.stop()
            other.stop()

    def test_long_time_outs_are_told(self, tmp_path: Path) -> None:
        port, log = free_port(), tmp_path / "log"
        with started(log, PORT=str(port), WORKERS="1", MONGODB_TIMEOUT_MS="5000"):
            wait_for_answer("127.0.0.1", port)
        said = log.read_text(encoding="utf-8")
        assert "MONGODB_TIMEOUT_MS=5000 an answer may take 5,500 ms while a store fails" in said


def limited(what: int, limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(what, (limit, limit))


class TestTheMachine:
    def test_without_a_folder_for_temporary_files_it_says_so(self) -> None:
        """No file may have a byte: as if every disk was full."""
        said = refusal(limited(resource.RLIMIT_FSIZE, 0), PORT=str(free_port()))
        assert said.startswith("TMPDIR must be a folder in which files can be written: ")

    def test_with_too_few_open_files_it_says_so(self) -> None:
        said = refusal(limited(resource.RLIMIT_NOFILE, 100), PORT=str(free_port()))
        assert said == "The limit of open files (`ulimit -n`) must be at least 256, not 100."

    def test_a_closed_stderr_stops_nothing(self) -> None:
        """A closed terminal, or `2>&1 | head -1`: whoever read the log is gone."""
        reader, writer = os.pipe()
        port = free_port()
        with started(writer, PORT=str(port), WORKERS="1") as process:
            os.close(writer)
            wait_for_answer("127.0.0.1", port)
            os.close(reader)
            old = set(psutil.Process(process.pid).children())
            os.kill(process.pid, signal.SIGHUP)  # which it wants to log
            wait_until(
                lambda: (
                    len(psutil.Process(process.pid).children()) == 1
                    and not set(psutil.Process(process.pid).children()) & old
                ),
                deadline_s=2 * STARTS_WITHIN_S,
                what="a fresh worker",
            )
            wait_for_answer("127.0.0.1", port)


class TestSystemd:
    def test_it_serves_the_socket_that_it_is_given(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as given:
            port, number = given.getsockname()[1], given.fileno()
            command = [sys.executable, "-c", AS_SYSTEMD_DOES, str(number), *COMMAND]
            with started(tmp_path / "log", command, (number,), PORT=str(port), WORKERS="1"):
                wait_for_answer("127.0.0.1", port)
            assert f"http://127.0.0.1:{port}" in (tmp_path / "log").read_text(encoding="utf-8")

    def test_it_says_when_it_is_ready(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(tmp_path / "notify"))
            manager.settimeout(STARTS_WITHIN_S)
            notify = str(tmp_path / "notify")
            with started(tmp_path / "log", PORT=str(free_port()), WORKERS="1", NOTIFY_SOCKET=notify):
                assert manager.recv(1000).startswith(b"READY=1")


class TestKeepAlive:
    @pytest.mark.parametrize("seconds", [HEAD_S - 1, HEAD_S + 2])
    def test_a_connection_may_be_idle_for_as_long_as_is_set(self, tmp_path: Path, seconds: int) -> None:
        with self._wires(tmp_path, KEEP_ALIVE_SECONDS=str(seconds)) as (wire, _):
            wire.send(request(LIVE))
            assert wire.reply().status == 200
            idle_since_s = time.monotonic()
            assert wire.is_closed()
            assert seconds - 0.1 <= time.monotonic() - idle_since_s

    def test_a_head_is_not_given_so_long(self, tmp_path: Path) -> None:
        with self._wires(tmp_path, KEEP_ALIVE_SECONDS="3600") as (at_once, later):
            at_once.send(request(LIVE) + request(LIVE)[:-2])
            later.send(request(LIVE))
            assert at_once.reply().status == 200
            assert later.reply().status == 200
            later.send(request(LIVE)[:-2])
            assert at_once.is_closed()
            assert later.is_closed()

    @contextlib.contextmanager
    def _wires(self, folder: Path, **env: str) -> Iterator[tuple[Wire, Wire]]:
        """Two connections to a server with one worker, which waits for heads for `HEAD_S`."""
        port = free_port()
        with started(folder / "log", SHORT_HEADS, PORT=str(port), WORKERS="1", HEAD_S=str(HEAD_S), **env):
            wait_for_answer("127.0.0.1", port)
            with Wire(f"http://127.0.0.1:{port}") as one, Wire(f"http://127.0.0.1:{port}") as other:
                yield one, other
