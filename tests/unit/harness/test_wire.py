"""The `[wire]` of a profile: every key is documented, and what is wrong is one clear sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from harness.adapters.wire import Wire
from harness.errors import UsageError
from harness.targets.profile import TARGETS, load_profile
from harness.typed import typed

DOCUMENTED = tomllib.loads((TARGETS / "reference.toml").read_text(encoding="utf-8"))["wire"]


def keys(table: Struct, place: str = "") -> Iterator[str]:
    for name in table.__struct_fields__:
        value = getattr(table, name)
        yield from keys(value, f"{place}{name}.") if isinstance(value, Struct) else [place + name]


def given(table: dict[str, Any], place: str = "") -> Iterator[str]:
    for name, value in table.items():
        nested = isinstance(value, dict) and name not in ("headers", "fields")
        yield from given(value, f"{place}{name}.") if nested else [place + name]


def test_every_key_is_documented_with_its_default() -> None:
    assert set(given(DOCUMENTED)) == set(keys(Wire()))
    assert typed(DOCUMENTED, Wire) == Wire()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'wire.auth = "digest"',
            "invalid enum value 'digest' at `wire.auth`; legal are basic, bearer, cookie",
        ),
        (
            "wire.send.okay = 201",
            "unknown field `okay` at `wire.send`; legal are body, client_message_id, content",
        ),
        ('wire.send.ok = "yes"', "expected a status from 200 to 599, or a list of them at `wire.send.ok`"),
        ('wire.poll.messages = "a["', 'expected a JMESPath such as "data.id", or "header:NAME"'),
        ("wire.poll.messages = 5", 'expected a JMESPath such as "data.id", or "header:NAME"'),
        ('wire.poll.path = "poll"', 'expected a path such as "/messages/{username}" at `wire.poll.path`'),
        (
            'wire.poll.path = "/{user}"',
            "unknown placeholder {user}; legal are {limit}, {since}, {username}, {wait}",
        ),
        ('wire.headers = { A = "${NO_SUCH}" }', "the environment has no variable 'NO_SUCH' for ${NO_SUCH}"),
        ('wire.users = "command"', "needs `user_command`, a list of words"),
        ('wire.users = "list"', "needs `user_list`, a list of usernames and passwords"),
        ('wire.timestamps = "epoch"', "invalid enum value 'epoch' at `wire.timestamps`; legal are epoch_ms"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_place(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "x"\ncommand = ["x"]\n{line}\n', encoding="utf-8")
    with pytest.raises(UsageError) as told:
        load_profile(str(path))
    assert said in str(told.value)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "x"\ncommand = ["x"]\nwire.headers = { X-Key = "id ${MY_KEY}" }\n', encoding="utf-8"
    )
    assert load_profile(str(path)).wire.headers == {"X-Key": "id s3cret"}
