"""Profiles that are made: what is odd is one sentence, answers are checked, files are safe."""

from __future__ import annotations

import base64
import json
import tomllib
from argparse import Namespace
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.authoring.described import Described, roles_of
from harness.authoring.drafting import draft_of
from harness.authoring.from_har import from_har
from harness.authoring.from_openapi import from_openapi
from harness.authoring.schema import target_schema
from harness.authoring.writing import schema_for, toml
from harness.cli import authoring
from harness.cli.authoring import init
from harness.errors import CannotWrite, UsageError
from harness.targets.profile import Profile, load_profile


def options(output: Path, **more: object) -> Namespace:
    given = {"openapi": None, "har": None, "name": None, "command_line": None, "url": None}
    return Namespace(**given | {"output": output, "force": False, "yes": True} | more)


SEND = {
    "requestBody": {"content": {"application/json": {"schema": {"properties": {"text": {}, "to": {}}}}}},
    "responses": {"200": {}},
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is neither JSON nor YAML"),
        ("{", "is neither JSON nor YAML"),
        ("a: b: c", "is neither JSON nor YAML: mapping values are not allowed in this context in line"),
        (
            "!!python/object/apply:os.system [true]",
            "YAML: could not determine a constructor",
        ),
        ("[" * 100_000, "is neither JSON nor YAML"),
        ("[]", "is not an object but a list."),
        ("just a text", "is not an object but a text."),
        ("{}", "is not an OpenAPI 3 document: it has no `paths`."),
        ('{"paths": []}', "is not an OpenAPI 3 document: it has no `paths`."),
        ('{"swagger": "2.0", "paths": {}}', "is of Swagger 2; only OpenAPI 3 can be read."),
        ('{"paths": {}}', "describes no operation that sends a message or polls for messages."),
        ('{"paths": {"/a": 1, "/b": {"get": []}, "c": {"get": {"x": 1}}}}', "describes no operation"),
        ('{"paths": {"/messages": {"post": {"$ref": "#/nowhere"}}}}', "describes no operation"),
    ],
)
def test_what_is_not_the_document_of_a_chat_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    assert said in refused(from_openapi, tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("log: {}", "is not JSON"),
        ("[]", "is not an object but a list."),
        ("{}", "is not a HAR: it has no `log.entries`."),
        ('{"log": 5}', "is not a HAR: it has no `log.entries`."),
        ('{"log": {"entries": {}}}', "is not a HAR: it has no `log.entries`."),
        ('{"log": {"entries": []}}', "describes no operation that sends a message or polls for messages."),
        ('{"log": {"entries": [null, 5, {}, {"request": {}}]}}', "describes no operation that sends"),
    ],
)
def test_what_is_not_the_recording_of_a_chat_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    assert said in refused(from_har, tmp_path, text)


def refused(read: Callable[[Path], object], folder: Path, text: str) -> str:
    path = folder / "given"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as told:
        read(path)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_file_that_is_missing_or_not_text_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        from_openapi(tmp_path / "absent")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not JSON"):
        from_har(tmp_path / "binary")


def document(**more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {"/messages": {"post": SEND}}, **more}


def written(folder: Path, given: dict[str, Any]) -> Path:
    path = folder / "given.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


def test_a_document_without_servers_or_security_says_what_it_does_not_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made.toml"
    assert init(options(made, openapi=written(tmp_path, document()))) == 0
    profile = load_profile(str(made))
    assert profile.command == ("./start-my-server", "{port}")
    assert (profile.wire.auth, profile.wire.users) == ("none", "list")
    assert (profile.wire.send.content, profile.wire.send.recipient) == ("text", "to")
    assert (profile.wire.send.client_message_id, profile.semantics.retry) == ("", "none")
    said = " ".join(capsys.readouterr().out.split())
    for sentence in ("which command starts the server", "how a mailbox is polled", "how users are created"):
        assert sentence in said
        assert sentence in " ".join(made.read_text(encoding="utf-8").replace("#", "").split())


def test_schemas_that_name_each_other_in_a_circle_end(tmp_path: Path) -> None:
    every = {f"f{n}": {"$ref": "#/components/schemas/A"} for n in range(50)}
    schemas = {
        "A": {"properties": every | {"text": {"type": "string"}}},
        "B": {"$ref": "#/components/schemas/B"},
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    post = {"requestBody": {"content": content}, "responses": {"200": schemas["B"]}}
    given = document(components={"schemas": schemas}) | {"paths": {"/messages": {"post": post}}}
    (operation,) = from_openapi(written(tmp_path, given)).operations
    assert {"text", "f49"} <= operation.fields.keys()


def test_a_reference_to_another_document_is_said(tmp_path: Path) -> None:
    given = document()
    given["paths"]["/inbox"] = {"$ref": "other.yaml#/inbox"}
    assert from_openapi(written(tmp_path, given)).unclear == [
        "what other.yaml#/inbox says, which is another document"
    ]


def test_a_document_of_5_mb_is_read(tmp_path: Path) -> None:
    given = document(info={"description": "x" * 5_000_000})
    given["paths"] |= {f"/other/{n}": {"get": {"responses": {"200": {}}}} for n in range(300)}
    assert "send" in roles_of(from_openapi(written(tmp_path, given)).operations)


def test_a_parameter_that_no_profile_has_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = document()
    given["paths"] = {"/rooms/{to}/{x{y}/{room}/messages": {"post": SEND}}
    made = tmp_path / "made.toml"
    assert init(options(made, openapi=written(tmp_path, given))) == 0
    assert load_profile(str(made)).wire.send.path == "/rooms/{recipient}/{{xy/room/messages"
    said = " ".join(capsys.readouterr().out.split())
    assert "- what {room} is in `wire.send.path`: replace it." in said


def entry(method: str, path: str, sent: Any, got: Any, **more: Any) -> dict[str, Any]:
    request = {"method": method, "url": f"http://chat.example{path}", "headers": more.get("headers", [])}
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    text = json.dumps(got).encode()
    content = {"mimeType": "application/json", "text": base64.b64encode(text).decode(), "encoding": "base64"}
    return {"request": request, "response": {"status": 200, "headers": [], "content": content}}


def har(folder: Path, entries: Iterable[dict[str, Any]]) -> Path:
    return written(folder, {"log": {"entries": list(entries)}})


def page(*ids: int, **more: Any) -> dict[str, Any]:
    messages = [{"id": each, "author": "ann", "text": "hi", "at": 1_700_000_000 + each} for each in ids]
    return {"data": {"items": messages}, **more}


TALK = [
    entry("POST", "/session", {"email": "ann@x", "password": "p"}, {"data": {"key": "t"}}),
    entry("POST", "/chat/bob/messages", {"text": "hi"}, {"id": 1}),
    entry("GET", "/inbox/ann%40x?after=0&n=9", None, page(3, 2), headers=[{"name": "X-Auth", "value": "t"}]),
    entry("GET", "/inbox/ann%40x?after=2&n=9", None, page(), headers=[{"name": "X-Auth", "value": "t"}]),
]


def test_a_recording_tells_the_cursor_the_order_and_who_asks(tmp_path: Path) -> None:
    values = draft_of(from_har(har(tmp_path, TALK))).values
    assert values["url"] == "http://chat.example"
    assert (values["wire.auth"], values["wire.auth_header"]) == ("header", "X-Auth")
    assert values["wire.sign_in.username"] == "email"
    assert values["wire.sign_in.token"] == "data.key"
    assert values["wire.poll.path"] == "/inbox/{username}"
    assert values["wire.poll.messages"] == "data.items"
    assert (values["wire.poll.since"], values["wire.poll.limit"]) == ("after", "n")
    assert (values["wire.poll.next_since"], values["semantics.cursor"]) == ("data.items[-1].id", "id")
    assert values["semantics.page_order"] == "newest_first"
    assert values["wire.message.sender"] == "author"
    assert (values["wire.message.timestamp"], values["wire.timestamps"]) == ("at", "epoch_s")


@pytest.mark.parametrize(
    ("url", "root", "prefix"),
    [
        ("https://chat.example:8443/api/", "https://chat.example:8443", "/api"),
        ("http://ann:pw@chat.example", "http://chat.example", ""),
        ("/v2", "", "/v2"),
        ("v2", "", "/v2"),
        ("/{version}/{unknown", "", "/version/unknown"),
        ("ftp://chat.example/a", "", "/a"),
        ("http://[", "", ""),
        ("http://a:99999/b", "", ""),
        ("http:///b", "", "/b"),
        (None, "", ""),
    ],
)
def test_the_url_of_a_document_is_a_root_and_a_prefix(
    url: object, root: str, prefix: str, tmp_path: Path
) -> None:
    source = from_openapi(written(tmp_path, document(servers=[{"url": url}])))
    assert (source.url, source.prefix) == (root, prefix)


@pytest.mark.parametrize(
    "change",
    [
        {"request": {"url": "http://a"}},
        {"request": {"url": "http://[", "method": "GET"}},
        {"response": {"status": float("inf")}},
        {"response": {"status": 200, "content": {"text": "%", "encoding": "base64"}}},
        {"response": {"status": 200, "content": {"text": "["}, "headers": [5]}},
    ],
)
def test_a_malformed_entry_of_a_recording_is_left_out(change: dict[str, Any], tmp_path: Path) -> None:
    whole = draft_of(from_har(har(tmp_path, TALK))).values
    assert draft_of(from_har(har(tmp_path, [*TALK, {**TALK[0], **change}]))).values == whole


def test_what_a_recording_holds_can_always_be_written(tmp_path: Path) -> None:
    odd = "\x00\x7f\ud800\"\\\n{x}'''"
    entries = [*TALK, entry("POST", "/chat/messages/\x01", {"text": odd, "to": odd, odd: odd}, {odd: odd})]
    made = tmp_path / "made.toml"
    assert init(options(made, har=har(tmp_path, entries), name=odd.replace("\ud800", ""))) == 0
    assert load_profile(str(made)).name == odd.replace("\ud800", "")


def test_an_operation_that_only_looks_like_one_is_left_out() -> None:
    lists = [Described("GET", "/messages", answer=[{"id": 1}]), Described("DELETE", "/messages/send")]
    assert roles_of(lists) == {"poll": lists[0]}
    assert roles_of([Described("POST", "/logout", fields={"username": "x"})]) == {}


@pytest.mark.parametrize(
    "value",
    ["", 'a "b" \\ \n\t\x00\x7f é \U0001f642', True, 5, 1.5, [], [1, "a"], {}, {"a b": {"c": [1]}, "é": ""}],
)
def test_values_are_read_back_as_they_were(value: object) -> None:
    assert tomllib.loads(f"x = {toml(value)}") == {"x": value}


def test_the_schema_is_found_from_the_profile(tmp_path: Path) -> None:
    assert schema_for(tmp_path / "x.toml").startswith("file:///")
    import harness

    beside = Path(harness.__file__).parents[1] / "x.toml"
    assert schema_for(beside) == "./harness/targets/profile.schema.json"


def test_without_a_terminal_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("it asked"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    made = tmp_path / "made.toml"
    assert init(options(made, yes=False, command_line="./serve '{port}' x", name="my server")) == 0
    profile = load_profile(str(made))
    assert (profile.name, profile.command) == ("my server", ("./serve", "{port}", "x"))
    assert profile.wire == Profile(name="").wire
    table = tomllib.loads(made.read_text(encoding="utf-8"))
    assert Draft202012Validator(target_schema()).is_valid(table)
    assert "path" in table["wire"]["poll"], "what is likely to be another is there"


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Give these answers, then empty ones; the questions are in the list."""
    left, asked = list(answers), list[str]()

    def answer(prompt: str) -> str:
        asked.append(prompt)
        if left and left[0] == "EOF":
            raise EOFError
        return left.pop(0) if left else ""

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    return asked


def test_answers_on_a_terminal_are_checked_and_empty_ones_are_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answering(
        monkeypatch, "", "a 'b", "", "http://chat.example:1", "", "v2", "/v2", "/join", "", "digest", "basic"
    )
    made = tmp_path / "made.toml"
    assert init(options(made, yes=False)) == 0
    profile = load_profile(str(made))
    assert (profile.name, profile.url) == ("mine", "http://chat.example:1")
    assert (profile.wire.prefix, profile.wire.register.path, profile.wire.auth) == ("/v2", "/join", "basic")
    said = " ".join(capsys.readouterr().out.split())
    assert "This is not a command: No closing quotation." in said
    assert "Expected a path such as" in said
    assert "Invalid enum value 'digest' at `wire.auth`; legal are basic, bearer," in said
    assert 10 < len(asked) < 20


def test_the_end_of_the_input_interrupts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "", "EOF")
    with pytest.raises(KeyboardInterrupt):
        init(options(tmp_path / "made.toml", yes=False))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_replaced_only_by_force(tmp_path: Path) -> None:
    made = tmp_path / "made.toml"
    made.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already: give --force, or another --output"):
        init(options(made))
    assert made.read_text(encoding="utf-8") == "mine"
    assert init(options(made, force=True)) == 0
    assert load_profile(str(made)).name == "mine"
    with pytest.raises(CannotWrite, match="--output FILE puts it elsewhere"):
        init(options(tmp_path / "no" / "made.toml"))
    with pytest.raises(CannotWrite):
        init(options(tmp_path, force=True))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"command_line": "a 'b"}, "cannot be taken apart: No closing quotation."),
        ({"url": "chat:80"}, "What was found cannot be a profile: in line "),
        ({"name": "${NO_SUCH_VARIABLE}"}, "the environment has no variable 'NO_SUCH_VARIABLE'"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_is_written(
    more: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as told:
        authoring.init(options(tmp_path / "made.toml", **more))
    assert said in str(told.value)
    assert list(tmp_path.iterdir()) == []
