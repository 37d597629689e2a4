"""The front over real sockets: what a client gets, what is recorded of it, and that it ends."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from harness.polling_clients.front import Front, misbehaviours
from harness.polling_clients.front.files import Files
from harness.polling_clients.front.front import LABEL
from harness.polling_clients.loop import LoopThread
from harness.stack import wait_until

POLL = "/api/users/messages/poll/bob"
MESSAGE = {"id": "m1", "from": "ann", "to": "bob", "message": "hi", "timestamp": "2026-01-01T00:00:00Z"}
ANSWER = {"messages": [MESSAGE], "count": 1, "has_more": False, "next_since": "2026-01-01T00:00:00Z"}


class Upstream(BaseHTTPRequestHandler):
    """A server that answers every poll with one message."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Print nothing."""


@pytest.fixture
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def loop():
    with LoopThread() as loop:
        yield loop


@pytest.fixture
def events():
    return []


@pytest.fixture
def front(upstream, loop, events, tmp_path):
    (tmp_path / "page.js").write_text("export {}", encoding="utf-8")
    front = Front(
        f"http://127.0.0.1:{upstream.server_port}",
        lambda kind, **fields: events.append(fields),
        files=Files({"/client/": tmp_path}),
        interval_ms=500,
    )
    front.url = loop.run(front.open_up())
    yield front
    loop.run(front.close())


@pytest.fixture
def http():
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        yield pool


def test_a_poll_is_passed_on_and_recorded(front, http, events, upstream):
    answer = http.request(
        "GET", f"{front.url}{POLL}?since=2026-01-01T00%3A00%3A00Z", headers={LABEL: "tab-1"}
    )
    assert answer.json() == ANSWER | {"poll_after_ms": 500}
    (path, headers) = upstream.asked[0]
    assert path == f"{POLL}?since=2026-01-01T00%3A00%3A00Z"
    assert LABEL not in headers
    wait_until(lambda: events, deadline_s=5, what="the event")
    (event,) = events
    assert (event["client"], event["user"], event["status"]) == ("tab-1", "bob", 200)
    assert (event["messages"], event["is_good"], event["aborted"]) == (["m1"], True, False)
    assert event["start"] <= event["t"] <= time.monotonic_ns()
    assert front.owners == {"m1": "bob"}


def test_each_port_has_the_label_of_its_client(front, http, events, loop):
    url = loop.run(front.listen("program-7"))
    http.request("GET", url + POLL)
    wait_until(lambda: events, deadline_s=5, what="the event")
    assert events[0]["client"] == "program-7"


def test_files_are_served_and_not_recorded(front, http, events, upstream):
    answer = http.request("GET", front.url + "/client/page.js")
    assert (answer.data, answer.headers["Content-Type"]) == (b"export {}", "text/javascript; charset=utf-8")
    http.request("GET", front.url + "/elsewhere.css")
    assert [path for path, _ in upstream.asked] == ["/elsewhere.css"]
    assert events == []


def test_a_status_comes_with_what_the_client_must_obey(front, http, events):
    front.script.next(misbehaviours.status(429, retry_after=3))
    answer = http.request("GET", front.url + POLL)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    wait_until(lambda: events, deadline_s=5, what="the event")
    assert (events[0]["retry_after_s"], events[0]["script"], events[0]["is_good"]) == (3, "status 429", False)
    assert http.request("GET", front.url + POLL).status == 200


@pytest.mark.parametrize(
    ("misbehaviour", "status"), [(misbehaviours.reset(), None), (misbehaviours.cut_body(), 200)]
)
def test_a_connection_that_is_cut_is_cut_for_the_client(front, http, events, misbehaviour, status):
    front.script.next(misbehaviour)
    with pytest.raises((urllib3.exceptions.ProtocolError, ConnectionError)):
        http.request("GET", front.url + POLL)
    wait_until(lambda: events, deadline_s=5, what="the event")
    assert (events[0]["status"], events[0]["is_good"], events[0]["aborted"]) == (status, False, False)


def test_a_client_that_gives_up_is_recorded(front, http, events):
    front.script.next(misbehaviours.never_answered())
    with pytest.raises(urllib3.exceptions.TimeoutError):
        http.request("GET", front.url + POLL, timeout=0.3)
    wait_until(lambda: events, deadline_s=5, what="the end of the poll")
    assert (events[0]["status"], events[0]["aborted"], events[0]["script"]) == (None, True, "never answered")
    assert front.open == set()


def test_a_server_that_is_away_is_a_connection_that_is_reset(front, http, events, upstream):
    upstream.socket.close()
    with pytest.raises((urllib3.exceptions.ProtocolError, ConnectionError)):
        http.request("GET", front.url + POLL)
    wait_until(lambda: events, deadline_s=5, what="the event")
    assert (events[0]["status"], events[0]["script"], events[0]["aborted"]) == (None, "", False)


def test_what_is_held_back_comes_when_it_is_released(front, http, events, loop):
    hold = misbehaviours.Hold()
    front.script.next(hold.misbehaviour)
    answers = []
    client = threading.Thread(target=lambda: answers.append(http.request("GET", front.url + POLL)))
    client.start()
    wait_until(lambda: any(it.is_held_back for it in front.open), deadline_s=5, what="the poll")
    assert answers == []
    loop.loop.call_soon_threadsafe(hold.release)
    client.join()
    assert answers[0].json()["messages"] == [MESSAGE]


def test_a_front_ends_while_a_poll_waits(upstream, events):
    with LoopThread() as loop, urllib3.PoolManager(retries=False, timeout=10) as http:
        front = Front(
            f"http://127.0.0.1:{upstream.server_port}",
            lambda kind, **fields: events.append(fields),
            files=Files({}),
            interval_ms=500,
        )
        url = loop.run(front.open_up())
        front.script.next(misbehaviours.never_answered())
        failed = []

        def poll():
            try:
                http.request("GET", url + POLL)
            except urllib3.exceptions.HTTPError as error:
                failed.append(error)

        client = threading.Thread(target=poll)
        client.start()
        wait_until(lambda: front.open, deadline_s=5, what="the poll")
        loop.run(front.close(), timeout_s=10)
        client.join()
        assert len(failed) == 1
        assert [event["aborted"] for event in events] == [False]


def test_the_result_and_the_error_of_what_runs_in_the_loop_come_back(loop):
    async def fails():
        raise ValueError("no")

    assert loop.run(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ValueError, match="no"):
        loop.run(fails())
    with pytest.raises(TimeoutError):
        loop.run(asyncio.sleep(60), timeout_s=0.05)
