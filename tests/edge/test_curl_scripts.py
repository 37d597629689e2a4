"""The curl script of a finding shows it on servers that break a promise, and on none that keep it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.curl import CurlScript, NoScript, Polling, Sending, Shown
from harness.adapters.wire import Wire
from harness.secrecy import keep_secret
from harness.targets.profile import Profile, load_profile
from tests.edge.lanes import Lane
from tests.edge.running_rows import DEADLINE_S, ROOT
from tests.edge.small_chat import SmallChat
from tests.edge.small_chat import serving as chat_serving
from tests.edge.strange_server import PROFILES, serving
from tests.mutants.catalog import MUTANTS

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))), reason="bash, curl or jq is not here"
)
ODD = 'it\'s "quoted" $HOME `id` \\ \u202eעברית 🙂\n</script>'


def steps(*contents: str, sender: str = "alice_0a1b", reader: str = "bob_0a1b") -> list[Sending | Polling]:
    """A poll, sends, and another poll; the finding is about the last message."""
    sends = [
        Sending(sender, reader, content, f"c-{number}", number == len(contents), "in the run: 200")
        for number, content in enumerate(contents, 1)
    ]
    first, last = (Polling(f"{reader}#1", reader, None, "in the run: 200") for _ in range(2))
    return [first, *sends, last]


def script(
    shown: Shown, some: list[Sending | Polling], profile: Profile | None = None, wire: Wire | None = None
) -> str:
    newest_first = profile is not None and profile.semantics.page_order == "newest_first"
    wire = wire or (profile.wire if profile else Wire())
    return CurlScript(wire, newest_first, "FLOW-01, no-loss: a sentence", shown).text(some)


def run(text: str, url: str, **variables: str) -> tuple[int, str]:
    """Run a script; return its exit code and its last line."""
    ended = subprocess.run(
        ["bash"],
        input=text,
        env=os.environ | {"BASE_URL": url} | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert not ended.stderr, ended.stderr
    return ended.returncode, ended.stdout.splitlines()[-1]


class Doubles(SmallChat):
    """Answers each poll from the beginning."""

    def poll(self, name: str, since: str) -> dict[str, Any]:
        return super().poll(name, "")


class Reverses(SmallChat):
    """Returns a page from its end."""

    def poll(self, name: str, since: str) -> dict[str, Any]:
        page = super().poll(name, since)
        return page | {"messages": page["messages"][::-1]}


BROKEN: list[tuple[Shown, Callable[[], SmallChat], str]] = [
    ("missing", lambda: SmallChat(lambda message: message["seq"] % 2 == 0), "arrived 0 times"),
    ("doubled", Doubles, "arrived"),
    ("unordered", Reverses, "in another order"),
    ("numbers", Reverses, "1"),
    ("timestamps", Reverses, "000001Z"),
]


@pytest.mark.parametrize(("shown", "chat", "said"), BROKEN, ids=[shown for shown, *_ in BROKEN])
def test_a_script_shows_the_finding_where_a_server_has_it_and_nothing_where_it_does_not(
    shown: Shown, chat: Callable[[], SmallChat], said: str
) -> None:
    sent = steps("one", "two", ODD)
    if shown == "unordered":
        sent = [Sending(*_fields(it, is_subject=True)) if isinstance(it, Sending) else it for it in sent]
    text = script(shown, sent)
    with chat_serving(SmallChat()) as url:
        assert run(text, url)[0] == 0
    with chat_serving(chat()) as url:
        code, last = run(text, url)
    assert code == 1
    assert said in last


def _fields(send: Sending, *, is_subject: bool) -> tuple[Any, ...]:
    return (send.sender, send.recipient, send.content, send.client_message_id, is_subject, send.seen)


@pytest.mark.parametrize("name", ["it's", "a b", "…", "$HOME", "\u202eשלום", "x" * 64, "007", "count"])
def test_names_and_contents_of_any_kind_are_sent_as_they_were(name: str) -> None:
    chat = SmallChat()
    with chat_serving(chat) as url:
        code, last = run(script("missing", steps(ODD, sender=name, reader=f"{name}2")), url)
    assert (code, last) == (0, "It was sent once, and arrived 1 times.")
    (mailbox,) = [messages for messages in chat.mailboxes.values() if messages]
    assert mailbox[0]["message"] == ODD
    sender = mailbox[0]["from"].encode("latin-1").decode()  # it came in a header
    assert sender.startswith(name)
    assert mailbox[0]["to"].startswith(f"{name}2")


def test_a_second_try_has_other_users() -> None:
    chat, text = SmallChat(), script("doubled", steps("one"))
    with chat_serving(chat) as url:
        first = run(text.replace("$(date +%s)", "1"), url)
        second = run(text.replace("$(date +%s)", "2"), url)
    assert first == second == (0, "It was sent once, and arrived 1 times.")
    assert sorted(name for name in chat.mailboxes) == ["bob_0a1b_1", "bob_0a1b_2"]


@pytest.mark.e2e
@pytest.mark.timeout(DEADLINE_S + 60)
def test_a_run_against_a_broken_server_leaves_a_script_that_shows_what_was_found(
    lane: Lane, tmp_path: Path
) -> None:
    profile = MUTANTS["since-inclusive"].target(tmp_path)
    row = lane.run(profile, tmp_path / "reports", "FLOW-02").rows["FLOW-02"]
    text = row["repeats"]["no-duplicate"]["script"]
    assert "curl" in text, row["repeats"]
    (tmp_path / "repeat.sh").write_text(text, encoding="utf-8")
    shown = [_against(target, tmp_path / "repeat.sh", tmp_path) for target in (str(profile), "reference")]
    assert [code for code, _ in shown] == [1, 0], shown
    assert re.search(r"arrived ([2-9]|\d\d) times", shown[0][1]), shown[0][1]


def _against(target: str, file: Path, reports: Path) -> tuple[int, str]:
    """Run a script beside a new server; return its exit code and what it printed."""
    words = [sys.executable, "-m", "harness", "exec", "--target", target, "--reports", str(reports)]
    ended = subprocess.run(
        [*words, "--", "sh", "-c", f"BASE_URL={{base_url}} bash {file}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_script_speaks_as_the_profile_says(path: Path) -> None:
    profile = load_profile(str(path))
    if profile.adapter:
        pytest.skip("a class of its own has no wire")
    known = [it.username for it in profile.wire.user_list]
    sender, reader = known[:2] if known else ("alice", "bob")
    text = script("missing", steps("one", "two", ODD, sender=sender, reader=reader), profile)
    passwords = {f"{name}_password": f"password{name[-1]}" for name in ("user0", "user1")}
    with serving(path.stem, known_users=2) as url:
        assert run(text, url, **passwords) == (0, "It was sent once, and arrived 1 times.")


def test_secrets_of_the_profile_are_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.secrecy._NAMES", {})
    keep_secret("s3cr3t-of-mine", "API_KEY")
    text = script("missing", steps("one"), wire=Wire(headers={"X-Key": "s3cr3t-of-mine"}))
    assert "s3cr3t-of-mine" not in text
    assert 'X-Key: ${API_KEY}"' in text
    with chat_serving(SmallChat()) as url:
        assert run(text, url, API_KEY="s3cr3t-of-mine")[0] == 0


def test_without_an_address_it_says_what_is_missing() -> None:
    ended = subprocess.run(
        ["bash"], input=script("missing", steps("one")), env={"PATH": os.environ["PATH"]},
        capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode not in (0, 1) or "BASE_URL" in ended.stderr
    assert "the address of the server" in ended.stderr


def test_a_place_that_jq_cannot_find_has_no_script() -> None:
    wire = Wire(poll=type(Wire().poll)(messages=type(Wire().poll.messages)("data[?kind=='m']")))
    with pytest.raises(NoScript, match="which jq does not know"):
        script("missing", steps("one"), wire=wire)


def test_what_is_too_long_has_no_script() -> None:
    with pytest.raises(NoScript, match="too long"):
        script("missing", steps("x" * 50_000))


def test_what_is_not_text_is_sent_as_json_has_it() -> None:
    with chat_serving(SmallChat()) as url:
        assert run(script("missing", steps("one \udcff two")), url)[0] == 0
