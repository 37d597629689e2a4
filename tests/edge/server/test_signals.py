"""What signals do while requests are under way: what was accepted is answered, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harness.client import Answer
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.server.process import COMMAND, Chat, ready, target

SENDERS = 4
BOOTED_WITHIN_S = 60.0
"""A worker starts in a second, and in much more on a machine whose processors are all taken."""
UNDER_WAY_NS = 100_000_000
"""A request that began so long before the signal had been accepted."""
PAUSE_S = 0.01
"""Between a user's sends. Without it, they would take the processors from the workers that they wait for."""

pytestmark = pytest.mark.e2e  # a server from its start to its end


class Users:
    """They send again and again, and hold polls open, each one anew when it was answered."""

    def __init__(self, base_url: str) -> None:
        self.chats = [Chat(base_url) for _ in range(SENDERS)]
        self.sent: list[Answer] = []
        self.polled: list[Answer] = []
        self.unanswered: list[Answer] = []
        self._poll_began_ns = 0
        self._end = threading.Event()
        self._pool = ThreadPoolExecutor(2 * SENDERS)
        for chat in self.chats:
            self._pool.submit(self._send, chat)
            self._pool.submit(self._wait, chat)

    def _send(self, chat: Chat) -> None:
        while not self._end.is_set() and not self.unanswered:
            self._note(self.sent, chat.send())
            self._end.wait(PAUSE_S)

    def _wait(self, chat: Chat) -> None:
        """By alice, whom nobody writes to, so that her polls are held."""
        while not self._end.is_set() and not self.unanswered:
            self._poll_began_ns = time.monotonic_ns()
            self._note(self.polled, chat.alice.poll({"wait": "3"}))

    def _note(self, answers: list[Answer], answer: Answer) -> None:
        (answers if answer.status in (200, 503) else self.unanswered).append(answer)

    def wait_for_sends(self, count: int) -> None:
        wanted = len(self.sent) + count
        wait_until(lambda: len(self.sent) >= wanted, deadline_s=30, what=f"{count} more sends")

    def wait_for_a_held_poll(self) -> None:
        """The last one that began will be held for two seconds yet, or more."""
        wait_until(
            lambda: UNDER_WAY_NS < time.monotonic_ns() - self._poll_began_ns < 10 * UNDER_WAY_NS,
            deadline_s=30,
            what="a poll to be held open",
        )

    def finish(self) -> None:
        self._end.set()
        self._pool.shutdown()

    def check_all_were_answered(self) -> None:
        """503 is an answer, too: the machine may be too busy for MongoDB's time-out."""
        assert self.unanswered == []

    def check_what_was_under_way_was_answered(self, at_ns: int) -> None:
        accepted_ns = at_ns - UNDER_WAY_NS
        assert [poll for poll in self.polled if poll.start_ns < accepted_ns and poll.end_ns > at_ns]
        assert [answer for answer in self.unanswered if answer.start_ns < accepted_ns] == []

    def check_nothing_is_lost(self) -> None:
        for chat in self.chats:
            chat.check_nothing_is_lost_doubled_or_reordered()


@contextlib.contextmanager
def users_of(server: Target) -> Iterator[Users]:
    users = Users(server.base_url)
    try:
        users.wait_for_sends(20)
        yield users
    finally:
        users.finish()
        for chat in users.chats:
            chat.close()


@pytest.fixture(scope="module")
def server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    server = target(services, tmp_path_factory.mktemp("signals"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own(services: Services, tmp_path: Path) -> Iterator[Target]:
    """A server that a test may end, with temporary files of its own."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = target(services, tmp_path, TMPDIR=str(temporary))
    server.start()
    yield server
    server.stop()


def workers(server: Target) -> set[psutil.Process]:
    return set(server.workers())


def wait_for_fresh_workers(server: Target, old: set[psutil.Process]) -> None:
    wait_until(
        lambda: len(workers(server)) == len(old) and not workers(server) & old,
        deadline_s=2 * BOOTED_WITHIN_S,
        what="fresh workers alone",
    )


def wait_for_the_end(server: Target) -> int:
    """Give the exit code."""
    wait_until(lambda: not server.running, deadline_s=20, what="the server to end")
    assert server.how_it_ended().startswith("The server under test exited with status 0;")
    assert workers(server) == set()
    return 0


To = Callable[[Target, int], None]


def to_master(server: Target, number: int) -> None:
    os.kill(server.pid, number)


def to_workers(server: Target, number: int) -> None:
    for worker in workers(server):
        worker.send_signal(number)


def to_group(server: Target, number: int) -> None:
    """As terminals, `timeout` and supervisord's `killasgroup` do, and systemd to the whole service."""
    os.killpg(server.pid, number)


@pytest.mark.parametrize("to", [to_master, to_group])
@pytest.mark.timeout(300)
def test_a_hang_up_brings_fresh_workers_and_costs_nothing(server: Target, to: To) -> None:
    old = workers(server)
    with users_of(server) as users:
        to(server, signal.SIGHUP)
        wait_for_fresh_workers(server, old)
        users.wait_for_sends(20)
    users.check_all_were_answered()
    users.check_nothing_is_lost()


@pytest.mark.parametrize(
    ("to", "names"),
    [
        (to_master, "USR1 USR2 TTIN TTOU WINCH ALRM PIPE CHLD CONT URG"),
        (to_workers, "HUP INT QUIT USR1 USR2 TTIN TTOU WINCH ALRM PIPE CHLD CONT URG"),
        (to_group, "USR1 USR2 TTIN TTOU WINCH ALRM PIPE CHLD CONT URG"),
    ],
)
def test_what_means_nothing_here_does_nothing(server: Target, to: To, names: str) -> None:
    before = workers(server)
    with users_of(server) as users:
        for name in names.split():
            to(server, signal.Signals[f"SIG{name}"])
            users.wait_for_sends(5)
        assert workers(server) == before
    users.check_all_were_answered()
    users.check_nothing_is_lost()


@pytest.mark.timeout(300)
def test_a_worker_that_is_told_to_end_answers_what_it_accepted_and_is_replaced(
    server: Target,
) -> None:
    before = workers(server)
    told = min(before, key=lambda worker: worker.pid)
    with users_of(server) as users:
        told.terminate()
        told.terminate()
        wait_until(
            lambda: told not in workers(server) and len(workers(server)) == len(before),
            deadline_s=BOOTED_WITHIN_S,
            what="another worker",
        )
        users.wait_for_sends(20)
    users.check_all_were_answered()
    users.check_nothing_is_lost()


def test_who_is_paused_answers_afterwards(server: Target) -> None:
    """By SIGSTOP, as by Ctrl-Z (SIGTSTP), which the kernel delivers to a terminal's jobs only."""
    before = workers(server)
    with users_of(server) as users:
        to_group(server, signal.SIGSTOP)
        paused = [psutil.Process(server.pid), *before]
        wait_until(
            lambda: all(process.status() == psutil.STATUS_STOPPED for process in paused),
            deadline_s=5,
            what="all its processes to stop",
        )
        to_group(server, signal.SIGCONT)
        users.wait_for_sends(20)
        assert workers(server) == before
    users.check_all_were_answered()
    users.check_nothing_is_lost()


@pytest.mark.parametrize("to", [to_master, to_group])
@pytest.mark.parametrize(
    "first", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=lambda number: number.name
)
def test_told_to_stop_it_answers_what_it_accepted_however_often_it_is_told(
    services: Services, own: Target, to: To, first: int
) -> None:
    with users_of(own) as users:
        services.proxies["mongodb"].add_toxic("latency", "downstream", latency=60)
        try:
            users.wait_for_sends(3 * SENDERS)
            users.wait_for_a_held_poll()
            told_ns = time.monotonic_ns()
            for number in (
                first,
                signal.SIGTERM,
                signal.SIGINT,
                signal.SIGQUIT,
                signal.SIGHUP,
                signal.SIGUSR2,
            ):
                to(own, number)
            wait_for_the_end(own)
        finally:
            services.proxies["mongodb"].heal()
    users.check_what_was_under_way_was_answered(told_ns)
    own.start()
    wait_until(lambda: ready(own.base_url)["status"] == "ok", deadline_s=BOOTED_WITHIN_S, what="it to work")
    users.check_nothing_is_lost()


@pytest.mark.timeout(300)
def test_hang_ups_in_a_row_are_two_at_most_and_none_delays_the_end(own: Target) -> None:
    """One that is under way, and one for whatever came meanwhile."""
    old = workers(own)
    for _ in range(50):
        to_master(own, signal.SIGHUP)
    wait_until(lambda: workers(own) - old, deadline_s=BOOTED_WITHIN_S, what="a fresh worker")
    to_master(own, signal.SIGTERM)
    wait_for_the_end(own)
    assert 1 <= own.last_lines(1000).count("Reloading") <= 2


def test_what_was_ignored_when_it_started_stays_ignored(services: Services, tmp_path: Path) -> None:
    """`nohup`, and a script's `&`, in which INT and QUIT are ignored as well."""
    ignoring = ["sh", "-c", 'trap "" HUP INT QUIT; exec "$@"', "sh"]
    server = target(services, tmp_path, command=[*ignoring, *COMMAND])
    server.start()
    try:
        before = workers(server)
        with users_of(server) as users:
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                to_group(server, number)
            users.wait_for_sends(20)
            assert workers(server) == before
        users.check_all_were_answered()
        to_master(server, signal.SIGTERM)
        wait_for_the_end(server)
    finally:
        server.stop()


@pytest.mark.timeout(300)
def test_workers_start_although_their_temporary_files_were_removed(own: Target) -> None:
    """As systemd-tmpfiles does with what is older than ten days."""
    old = workers(own)
    temporary = Path(own.env["TMPDIR"])
    wait_until(
        lambda: len(list(temporary.glob("*/histogram_*.db"))) == len(old),
        deadline_s=60,
        what="every worker to open its metrics, as it does when it starts",
    )
    for folder in temporary.iterdir():
        shutil.rmtree(folder)
    with users_of(own) as users:
        to_master(own, signal.SIGHUP)
        wait_for_fresh_workers(own, old)
        users.wait_for_sends(20)
    users.check_all_were_answered()
