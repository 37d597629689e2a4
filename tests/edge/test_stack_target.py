"""Starting somebody else's server: it serves, or the message says why not."""

import json
import socket
import sys
import textwrap

import pytest
import urllib3

from harness.errors import UsageError
from harness.stack import free_port, start_server

SERVER = textwrap.dedent(
    """
    import http.server, os, signal, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/ready" else 404)
            self.end_headers()
            self.wfile.write(os.environ["SAYS"].encode())
    print("serving", flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
    """
)


@pytest.fixture
def start(tmp_path):
    """Starts a Python program as a target; ends it after the test."""
    started = []

    def start(program, *words, **options):
        options = {"ready_path": "/ready", "log": tmp_path / "log", "env": {"SAYS": "hi"}} | options
        target = start_server([sys.executable, "-c", program, *words], **options)
        started.append(target)
        return target

    yield start
    for target in started:
        target.kill()


def get(target):
    with urllib3.PoolManager(retries=False) as http:
        return http.request("GET", f"{target.base_url}/ready", timeout=5)


def test_a_target_serves_at_a_port_that_it_was_told_in_its_command_and_its_environment(start):
    target = start(SERVER, "{port}", env={"SAYS": '{"port": {port}}'})
    assert json.loads(get(target).data) == {"port": target.address[1]}


def test_a_target_can_be_told_where_to_serve(start):
    port = free_port()
    target = start(SERVER, str(port), base_url=f"http://127.0.0.1:{port}/")
    assert target.base_url == f"http://127.0.0.1:{port}"
    assert get(target).status == 200


def test_a_path_is_answered_with_a_status_or_by_nothing(start):
    target = start(SERVER, "{port}")
    assert [target.says("/ready"), target.says("/elsewhere")] == ["200", "404"]
    target.kill()
    assert target.says("/ready") == "nothing"


def test_a_killed_target_comes_back_at_the_same_place(start):
    target = start(SERVER, "{port}")
    before = target.base_url
    target.kill()
    with pytest.raises(urllib3.exceptions.HTTPError):
        get(target)
    target.start()
    assert target.base_url == before
    assert get(target).status == 200


def test_a_target_that_ends_is_reported_with_its_command_its_status_and_its_last_lines(start):
    with pytest.raises(UsageError) as caught:
        start("import sys; print('no SECRET_KEY'); sys.exit(78)")
    command = f"`{sys.executable} -c import sys; print('no SECRET_KEY'); sys.exit(78)`"
    assert str(caught.value) == (
        f"{command} ended before it served: The server under test exited with status 78;"
        " its last lines:\nno SECRET_KEY"
    )


def test_a_target_that_never_serves_is_reported_with_the_seconds_waited_and_killed(start, tmp_path):
    with pytest.raises(UsageError) as caught:
        start("import time; print('still thinking', flush=True); time.sleep(600)", deadline_s=0.5)
    assert "/ready with 200 within 0.5 s; its last lines:\nstill thinking" in str(caught.value)


def test_a_target_that_answers_something_else_is_not_ready(start):
    with pytest.raises(
        UsageError, match=r"did not answer GET http://127.0.0.1:\d+/health with 200 within 0.5"
    ):
        start(SERVER, "{port}", ready_path="/health", deadline_s=0.5)


def test_a_target_whose_program_is_missing_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="the program 'no-such-server' does not exist"):
        start_server(["no-such-server"], ready_path="/", log=tmp_path / "log")


def test_a_port_that_is_taken_is_told_before_anything_starts(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=f"The server under test needs port {port} of 127.0.0.1, which is"
        ):
            start(SERVER, str(port), base_url=f"http://127.0.0.1:{port}")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("lines_after", [0, 60])
def test_a_target_that_loses_its_port_at_the_start_gets_another(start, tmp_path, lines_after):
    """The first attempt finds its port taken. mongod then prints much about how it ends."""
    quick = textwrap.dedent(
        f"""
        import os, sys
        if not os.path.exists(sys.argv[2]):
            open(sys.argv[2], "w").close()
            sys.exit("OSError: [Errno 98] Address already in use" + {lines_after} * "\\nshutting down")
        """
    )
    target = start(quick + SERVER, "{port}", str(tmp_path / "tried"))
    assert get(target).status == 200


def test_a_target_ends_in_its_own_way_when_it_is_stopped(start):
    polite = (
        "import signal\nsignal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))\n"
    )
    target = start("import sys\n" + polite + SERVER, "{port}")
    target.stop()
    assert "bye" in target.last_lines()
    assert "exited with status 0" in target.how_it_ended()


def test_output_goes_to_a_temporary_file_if_nobody_wants_it(start):
    target = start(SERVER, "{port}", log=None)
    assert "serving" in target.last_lines()
