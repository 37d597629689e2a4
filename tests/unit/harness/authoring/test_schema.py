"""The JSON Schema of profiles: it is the code's, and accepts and refuses what the loader does."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.authoring.descriptions import CLIENT, TARGET
from harness.authoring.schema import (
    CLIENT_FILE,
    TARGET_FILE,
    client_schema,
    described,
    keys_of,
    rendered,
    target_schema,
)
from harness.errors import UsageError
from harness.polling_clients.profile import load_client
from harness.targets.profile import load_profile

ROOT = Path(__file__).parents[4]
OURS = ("harness", "tests", "docs", "strangers", "examples")
PROFILES = sorted(path for folder in OURS for path in (ROOT / folder).rglob("*.toml"))
NAMED_IN = ("targets", "reference", "clients", "strange_servers")
NAMING = [path for path in PROFILES if path.parent.name in NAMED_IN]
TARGETS = Draft202012Validator(target_schema())
CLIENTS = Draft202012Validator(client_schema())


def table_of(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def validator_of(table: dict[str, Any]) -> Draft202012Validator:
    return CLIENTS if {"page", "program"} & table.keys() else TARGETS


@pytest.mark.parametrize(
    ("path", "schema"),
    [(TARGET_FILE, target_schema()), (CLIENT_FILE, client_schema())],
    ids=["target", "client"],
)
def test_the_file_is_what_the_code_makes(path: Path, schema: dict[str, Any]) -> None:
    assert path.read_text(encoding="utf-8") == rendered(schema), "run `python3 -m harness.authoring.schema`"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "sentences"), [(target_schema(), TARGET), (client_schema(), CLIENT)], ids=["target", "client"]
)
def test_each_key_is_described_and_nothing_else(schema: dict[str, Any], sentences: dict[str, str]) -> None:
    keys = set(keys_of(schema))
    assert len(keys) > 20
    used = {described(key, sentences) for key in keys}
    assert used == set(sentences.values())
    assert all(sentence.endswith(".") for sentence in used)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_profile_of_this_repository_is_right(path: Path) -> None:
    table = table_of(path)
    assert [error.message for error in validator_of(table).iter_errors(table)] == []


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.stem)
def test_its_first_line_names_the_schema_for_editors(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = (path.parent / first.removeprefix("#:schema ")).resolve()
    is_client = validator_of(table_of(path)) is CLIENTS
    assert named == (CLIENT_FILE if is_client else TARGET_FILE).resolve()


MINE = 'name = "x"\ncommand = ["x"]\n'
PAGE = 'name = "x"\n[page]\npath = "/x"\nstop = "() => {}"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        'name = "x"',
        'command = ["x"]',
        'name = "x"\ncommand = []',
        'name = "x"\ncommand = ["x", 1]',
        MINE + 'url = "http://a"',
        'name = "x"\nurl = "chat:80"',
        'name = "x"\nurl = "http://a?b=1"',
        'name = "x"\nurl = "http://ann:pw@chat"',
        MINE + "wrokers = 2",
        MINE + "workers = true",
        MINE + "workers = 0",
        MINE + "workers = 1_000_001",
        MINE + "env = {A = [1]}",
        MINE + "bounds = 1",
        MINE + "[bounds]\nanswers_within_s = 0",
        MINE + "[bounds]\nanswers_within_s = inf",
        MINE + '[policy]\nmalformed_since = "kept"',
        MINE + '[semantics]\ncursor = "etag"',
        MINE + '[semantics]\npromises = ["speed"]',
        MINE + '[semantics]\npromises = "none"',
        MINE + "[statuses]\nunknown_user = 500",
        MINE + "[statuses]\nunknown_user = []",
        MINE + "[has]\nwings = true",
        MINE + "wire.send.okay = 201",
        MINE + 'wire.send.ok = "yes"',
        MINE + "wire.poll.messages = 5",
        MINE + 'wire.poll.path = "poll"',
        MINE + 'wire.poll.path = "/{user}"',
        MINE + 'wire.poll.path = "/{"',
        MINE + 'wire.users = "command"',
        MINE + 'wire.users = "list"',
        MINE + 'wire.user_list = [{ password = "x" }]',
        MINE + 'stores.redis.upstream = "db:1"',
        MINE + "stores.pg = {}",
        MINE + 'stores.pg.upstream = "db"',
        MINE + 'stores."p g".upstream = "db:1"',
        MINE + "stores.redis.port = 65536",
        PAGE.replace("[page]", "[pages]"),
        PAGE + '[program]\ncommand = ["x"]',
        PAGE.replace('"/x"', '"x"'),
        PAGE + 'files = { "x" = "." }',
        PAGE + "[has]\ntab = true",
        'does_not_promise = ["no-loss"]\n' + PAGE,
        'name = ""\n[program]\ncommand = ["true"]',
        'name = "x"\n[program]\ncommand = []',
        PAGE + 'shown = { selector = "li" }',
        PAGE + "[numbers]\ninterval_s = 0",
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(text: str, tmp_path: Path) -> None:
    table = tomllib.loads(text)
    is_client = bool({"page", "pages", "program"} & table.keys())
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        (load_client if is_client else load_profile)(str(path))
    assert not (CLIENTS if is_client else TARGETS).is_valid(table)


@pytest.mark.parametrize(
    "text",
    [
        MINE,
        MINE + 'semantics.promises = ["no-loss"]\nwire.poll.none = []\nwire.send.ok = [200, 201]',
        MINE + 'wire.poll.path = "/a/{username}/{{x}}"\nwire.sign_in.path = ""\nstores = {}',
        MINE + 'stores.pg = { upstream = "[::1]:5432", port = 1 }\nadapter_options = { a = [1, { b = 2 }] }',
        'name = "x"\nurl = "https://chat.example:8443/api"\nsemantics.key_holds_s = 5',
        MINE + 'wire.users = "command"\nwire.user_command = ["add"]\nenv = { A = 1, B = true, C = 1.5 }',
    ],
)
def test_what_the_loader_accepts_the_schema_accepts(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    load_profile(str(path))
    assert [error.message for error in TARGETS.iter_errors(tomllib.loads(text))] == []
