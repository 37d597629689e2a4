"""Profiles made from recordings of the strange servers and from documents: `try` finds that they fit."""

from __future__ import annotations

import contextlib
import json
from argparse import Namespace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from harness.adapters.http import Http, Request
from harness.adapters.results import Answer
from harness.authoring import steps
from harness.authoring.trying import PASSWORD, Trial
from harness.authoring.writing import toml
from harness.cli.authoring import init
from harness.targets.profile import Profile, load_profile
from tests.edge.strange_server import PROFILES, serving

SPEAKING = [path for path in PROFILES if path.stem != "own_adapter"]


class Recording(Http):
    """HTTP that keeps each request and its answer as browsers do."""

    entries: ClassVar[list[dict[str, Any]]] = []

    def __call__(self, request: Request) -> Answer:
        answer = super().__call__(request)
        self.entries.append(self.entry(request, answer))
        return answer

    def entry(self, request: Request, answer: Answer) -> dict[str, Any]:
        url = next(self._urls) + request.target
        asked: dict[str, Any] = {"method": request.method, "url": url, "headers": pairs(request.headers)}
        if request.body is not None:
            kind = request.headers["Content-Type"]
            asked["postData"] = {"mimeType": kind, "text": request.body.decode()}
        content = {"mimeType": answer.headers.get("Content-Type", ""), "text": answer.text}
        return {
            "request": asked,
            "response": {"status": answer.status, "headers": pairs(answer.headers), "content": content},
        }


def pairs(headers: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


UNRELATED = [
    {"request": {"method": "GET", "url": f"https://cdn.example/{n}.js", "headers": []}, "response": answer}
    for n, answer in enumerate(
        [
            {"status": 200, "headers": [], "content": {"mimeType": "text/javascript", "text": "x"}},
            {
                "status": 200,
                "headers": [],
                "content": {"mimeType": "application/json", "text": '{"a": [{}]}'},
            },
            {"status": 404, "headers": [], "content": {"mimeType": "application/json", "text": "{}"}},
            {"status": "odd"},
        ]
    )
]


def recorded(profile: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a browser would save of a trial."""
    Recording.entries.clear()
    monkeypatch.setattr(steps, "Http", Recording)
    with contextlib.closing(Trial(load_profile(str(profile)), url)) as trial:
        assert [problem for step in trial.steps() for problem in step.problems] == []
    monkeypatch.undo()
    return {"log": {"version": "1.2", "entries": [*UNRELATED, None, *Recording.entries, *UNRELATED]}}


def options(output: Path, **more: object) -> Namespace:
    given = {"openapi": None, "har": None, "name": None, "command_line": None, "url": None}
    return Namespace(**given | {"output": output, "force": False, "yes": True} | more)


def problems(path: Path, url: str) -> list[str]:
    with contextlib.closing(Trial(load_profile(str(path)), url)) as trial:
        return [problem.sentence for step in trial.steps() for problem in step.problems]


def with_its_users(text: str, known: Profile) -> str:
    """The text of a profile with the users that a recording cannot tell."""
    wire = known.wire
    users = [{"username": each.username, "password": each.password} for each in wire.user_list]
    told = {"users": wire.users, "user_list": users, "user_command": list(wire.user_command)}
    lines = [line for line in text.splitlines() if not line.startswith(("users = ", "user_list = "))]
    lines.insert(lines.index("[wire]") + 1, "\n".join(f"{key} = {toml(each)}" for key, each in told.items()))
    return "\n".join(lines)


@pytest.mark.parametrize("profile", SPEAKING, ids=lambda path: path.stem)
def test_a_profile_made_from_a_recording_fits_the_server(
    profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = load_profile(str(profile))
    known_users = int(known.env.get("KNOWN_USERS", 0))
    with serving(str(known.env["VARIATION"]), known_users=known_users) as url:
        har = tmp_path / "chat.har"
        entries = recorded(profile, url, monkeypatch)
        entries["log"]["entries"] = json.loads(
            json.dumps(entries["log"]["entries"]).replace(url, "http://chat.example")
        )
        har.write_text(json.dumps(entries), encoding="utf-8")
        made = tmp_path / "made.toml"
        assert init(options(made, har=har)) == 0
        text = made.read_text(encoding="utf-8")
        assert 'url = "http://chat.example"' in text
        assert PASSWORD not in text
        text = with_its_users(text.replace("http://chat.example", url), known)
        made.write_text(text, encoding="utf-8")
        assert problems(made, url) == []
    found = load_profile(str(made))
    assert found.semantics.cursor == known.semantics.cursor
    assert found.semantics.page_order == known.semantics.page_order
    assert (found.wire.auth, found.wire.timestamps) == (known.wire.auth, known.wire.timestamps)
    assert found.wire.send.ok == known.wire.send.ok
    assert urlsplit(found.url).hostname == "127.0.0.1"
