"""Profiles tried on real servers: what does not fit is said with what to write instead, and is no verdict."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.adapters import Site
from harness.adapters.over_http import HttpAdapter
from harness.authoring import steps
from harness.authoring.steps import Step
from harness.authoring.trying import Trial
from harness.cli.authoring import try_profile
from harness.errors import NeverReady, UsageError
from harness.stack.remote import Remote
from harness.targets.profile import load_profile
from tests.edge.strange_server import PROFILES, STRANGE, running, serving

ROOT = Path(__file__).parents[2]


def tried(path: Path, url: str) -> tuple[list[Step], list[str], int]:
    """The steps, the problems, and the highest exit code of them; 0 if there are none."""
    with contextlib.closing(Trial(load_profile(str(path)), url)) as trial:
        done = list(trial.steps())
        return done, [each.sentence for each in trial.problems], worst(trial)


def worst(trial: Trial) -> int:
    return max((each.exit_code for each in trial.problems), default=0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("") as url:
        yield url


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def write(path: Path, *lines: str) -> None:
    text = ['name = "mine"', 'command = ["x"]', 'ready_path = "/"', 'wire.history.path = ""', *lines]
    path.write_text("\n".join(text), encoding="utf-8")


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_the_profile_of_each_strange_server_fits_it(path: Path) -> None:
    profile = load_profile(str(path))
    variation, known_users = profile.env.get("VARIATION", ""), int(profile.env.get("KNOWN_USERS", 0))
    with serving(str(variation), known_users=known_users) as url:
        done, problems, _ = tried(path, url)
    assert problems == []
    assert [each for step in done for each in step.notes] == []
    titles = [step.title for step in done]
    once = ["send (alice)", "poll (bob)", "poll again (bob)", "send (alice)", "poll again (bob)"]
    whole = once if profile.semantics.is_destructive else [*once, "poll from the start (bob)"]
    assert titles[-len(whole) :] == whole
    assert any("'The second message'" in line for line in done[-1].read)


@pytest.mark.parametrize(
    ("variation", "lines", "said"),
    [
        (
            "access_token",
            [],
            "The answer to the sign-in has no `token` (`wire.sign_in.token`); it has `access_token`."
            ' Write `token = "access_token"` under [wire.sign_in].',
        ),
        ("cookie", [], 'It sets a cookie: with that, `wire.auth` is "cookie".'),
        ("", ['wire.auth = "cookie"'], "The answer to the sign-in sets no cookie"),
        ("bare_list", [], 'The answer to the poll is a list. Write `messages = "@"` under [wire.poll].'),
        (
            "bare_list",
            ['wire.poll.messages = "@"'],
            'it has `[-1].timestamp`. Write `next_since = "[-1].timestamp"` under [wire.poll].',
        ),
        ("no_cursor", [], 'Write `next_since = "messages[-1].timestamp"` under [wire.poll].'),
        ("register_200", [], "`wire.register.ok` says 201. Write `ok = 200` under [wire.register]."),
        ("send_201", [], "`wire.send.ok` says 200. Write `ok = 201` under [wire.send]."),
        ("none_204", ["wire.poll.none = 304"], "The poll was answered 204, and `wire.poll.ok` says 200."),
        (
            "newest_first",
            [],
            'The order of a page is the opposite: write `page_order = "newest_first"` under [semantics].',
        ),
        ("form_bodies", [], '(`wire.register.body` is "json"); its answer may say why.'),
        ("prefix_basic", [], "the server has no POST /api/users/register; see `wire.register.path`."),
        ("", ['wire.auth = "none"'], 'does not allow it; `wire.auth` is "none".'),
        ("", ['wire.poll.path = "/api/mail/{username}"'], "see `wire.poll.path`."),
        ("", ['wire.poll.since = "after"'], 'write `boundary = "inclusive"` under [semantics]; if not, see'),
        (
            "",
            ['wire.register.method = "PUT"'],
            'it takes POST. Write `method = "POST"` under [wire.register].',
        ),
        ("", ['wire.message.sender = "sender"'], 'Write `sender = "from"` under [wire.message].'),
        ("", ['wire.message.content = "text"'], 'Write `content = "message"` under [wire.message].'),
        ("", ['wire.send.recipient = "recipient"'], "it does not accept the fields `recipient`, `content`,"),
    ],
)
def test_what_does_not_fit_is_said_with_what_to_write(
    variation: str, lines: list[str], said: str, profile: Path
) -> None:
    write(profile, *lines)
    with serving(variation) as url:
        _, problems, code = tried(profile, url)
    assert said in " ".join(problems)
    assert code == 2


def test_a_message_that_the_server_loses_is_not_the_profiles_fault(
    profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUG", "equal_timestamps")
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000 * 10**9)  # of the server
    write(profile, "bounds.delivered_within_s = 0.1")
    with serving("") as url:
        done, problems, code = tried(profile, url)
    assert (problems, code) == ([], 0)
    (note,) = [note for step in done for note in step.notes if "was not read" in note]
    assert note.endswith("If they are right, the server skips the message, which is what `run` judges.")


def test_what_need_not_be_there_is_noted_with_what_is_like_it(profile: Path, url: str) -> None:
    write(profile, 'wire.send.seq = "sequence"')
    done, problems, _ = tried(profile, url)
    assert problems == []
    assert [note for step in done for note in step.notes] == [
        "There is no `sequence` (`wire.send.seq`), which is not needed; it has `seq`. If that is meant:"
        ' Write `seq = "seq"` under [wire.send].'
    ]


class Odd(BaseHTTPRequestHandler):
    """Answers whatever it is asked with what the test says."""

    answers: tuple[int, str, str] = (200, "application/json", "{}")
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        status, kind, text = self.answers
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST

    def log_message(self, *words: object) -> None:
        """Nothing to log."""


@contextlib.contextmanager
def answering(*answers: object) -> Iterator[str]:
    handler = type("Answering", (Odd,), {"answers": answers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    ("answers", "said", "code"),
    [
        ((200, "text/html", "<html>Welcome</html>"), "The answer to the sign-in is HTML", 2),
        ((200, "application/json", ""), "The answer to the sign-in is empty.", 2),
        ((200, "text/plain", "hello"), "The answer to the sign-in is not JSON but text/plain.", 2),
        ((200, "application/json", "[" * 100_000), "The answer to the sign-in is not JSON.", 2),
        ((200, "application/json", "{}"), "has no `token` (`wire.sign_in.token`); it has nothing.", 2),
        ((200, "application/json", '{"token": 5}'), "has a number at `token` (`wire.sign_in.token`)", 2),
        ((200, "application/json", '"token"'), "it has a string instead of an object.", 2),
        ((200, "application/json", '{"data": {"jwt": "x"}}'), 'Write `token = "data.jwt"` under', 2),
        ((301, "text/plain", ""), "which leads to nowhere; redirects are not followed", 2),
        ((429, "text/plain", ""), "too many requests; raise the server's limits", 2),
        ((500, "text/plain", ""), "that is the server's failure, and says nothing about the profile.", 3),
    ],
)
def test_odd_answers_are_explained(answers: tuple[object, ...], said: str, code: int, profile: Path) -> None:
    write(profile, "wire.register.ok = 200")
    with answering(*answers) as url:
        _, problems, found = tried(profile, url)
    assert said in problems[-1]
    assert found == code


def test_a_server_that_is_silent_or_refuses_is_not_reached(
    profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "TIMEOUT_S", 0.3)
    write(profile)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert tried(profile, url)[1:] == (["The registration was not answered: timeout."], 3)
    _, problems, code = tried(profile, url)
    assert (problems, code) == (["The registration was not answered: connection refused."], 3)


def test_users_of_a_list_sign_in_and_no_secret_of_the_profile_is_shown(
    url: str, profile: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.secrecy._NAMES", {})
    monkeypatch.setenv("BOTH", 'a "pass"wörd')
    monkeypatch.setenv("KEY_OF_MINE", "k")
    users = [(name, 'a "pass"wörd') for name in ("listed_ann", "listed_bob")]
    for user in users:
        HttpAdapter(Site([url]), *user).register()
    names = ", ".join(f'{{ username = "{name}", password = "${{BOTH}}" }}' for name, _ in users)
    write(
        profile,
        'wire.users = "list"',
        f"wire.user_list = [{names}]",
        'wire.headers = { K = "${KEY_OF_MINE}" }',
    )
    text = profile.read_text(encoding="utf-8").replace('command = ["x"]', f'url = "{url}"')
    profile.write_text(text, encoding="utf-8")
    assert try_profile(Namespace(profile=str(profile))) == 0
    shown = capsys.readouterr().out
    assert "pass" not in shown.replace("password", "")
    assert """-H 'K: '"$KEY_OF_MINE\"""" in shown
    profile.write_text(text.replace(names, names.partition(", {")[0]), encoding="utf-8")
    with pytest.raises(UsageError, match=r"A trial needs two users, and `wire\.user_list` has one"):
        try_profile(Namespace(profile=str(profile)))


def test_what_an_adapter_raises_is_shown(tmp_path: Path, url: str) -> None:
    text = (STRANGE / "own_adapter.py").read_text(encoding="utf-8")
    broken = text.replace('said["next_since"]', 'said["cursor"]')
    (tmp_path / "broken.py").write_text(broken, encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text('name = "x"\ncommand = ["x"]\nadapter = "broken.py:OwnAdapter"\n', encoding="utf-8")
    done, problems, code = tried(path, url)
    assert (problems, code) == (["The adapter failed: KeyError: 'cursor'."], 2)
    assert any(step.asked.startswith("alice.send('bob_") for step in done)


def without_stores(name: str, path: Path, old: str = "", new: str = "") -> str:
    """The path of a copy of a strange server's profile for which no store is started."""
    text = (STRANGE / f"{name}.toml").read_text(encoding="utf-8")
    path.write_text(f"stores = {{}}\n{text.replace(old, new) if old else text}", encoding="utf-8")
    return str(path)


@pytest.mark.usefixtures("services")
def test_a_server_is_started_by_its_command_and_each_request_is_shown(profile: Path) -> None:
    done = harness_try(without_stores("prefix_basic", profile))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "-u 'alice_" in done.stdout
    assert done.stdout.endswith("Everything was read: the profile fits the server.\n")


@pytest.mark.usefixtures("services")
def test_a_command_that_ends_is_one_sentence(profile: Path) -> None:
    done = harness_try(without_stores("send_201", profile, 'server.py"', 'server.py", "no port"'))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "ended before it served" in done.stderr.splitlines()[0]


def test_a_server_that_is_never_ready_is_told_with_its_last_answer(url: str) -> None:
    with pytest.raises(NeverReady, match=r"with 200 within 0\.2 s; the last answer was 404\.$") as told:
        Remote(url, ready_path="/ready", deadline_s=0.2).start()
    assert told.value.last_status == 404


def test_a_server_that_runs_already_is_tried_at_its_url(
    url: str, profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(profile)
    text = profile.read_text(encoding="utf-8").replace('command = ["x"]', f'url = "{url}"')
    profile.write_text(text.replace('ready_path = "/"\n', ""), encoding="utf-8")
    assert try_profile(Namespace(profile=str(profile))) == 2
    said = joined(capsys.readouterr().out)
    assert "`ready_path` must name a path that answers 200, and it answered 404." in said
    assert "poll from the start (bob)" in said
    assert said.endswith("The profile does not fit the server: 1 problem, marked ! above.")
    profile.write_text(text, encoding="utf-8")
    assert try_profile(Namespace(profile=str(profile))) == 0


def test_a_url_where_nothing_listens_is_one_sentence(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.write_text('name = "x"\nurl = "http://127.0.0.1:9"\n', encoding="utf-8")
    assert try_profile(Namespace(profile=str(profile))) == 3
    assert "! The server does not answer: connection refused." in capsys.readouterr().out


def joined(text: str) -> str:
    """A text whose lines were broken between words."""
    return " ".join(text.split())


def harness_try(path: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "harness", "try", path]
    return subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=50, check=False)
