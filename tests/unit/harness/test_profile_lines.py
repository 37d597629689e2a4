"""What is wrong in a profile is said with its line, key and value, and secrets are never among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.targets.profile import TARGETS, load_profile
from harness.targets.toml_lines import lines_of

TEXT = """# a comment
name = "x" # [not.a.table]
command = [
  "a",
  "b # no comment [x]",
]

[wire]
headers = { A = "1", "b c" = "2" }
send.ok = 200
[wire.poll]
text = '''
[semantics]
cursor = "id"
'''
"since" = "after"

[[wire.user_list]]
username = "ann"
[[wire.user_list]]
username = "bob"
[ "a.b" . c ]
d = 1
"""


def test_each_key_has_the_line_where_it_begins() -> None:
    assert lines_of(TEXT) == {
        ("name",): 2,
        ("command",): 3,
        ("command", 0): 3,
        ("command", 1): 3,
        ("wire",): 8,
        ("wire", "headers"): 9,
        ("wire", "headers", "A"): 9,
        ("wire", "headers", "b c"): 9,
        ("wire", "send"): 10,
        ("wire", "send", "ok"): 10,
        ("wire", "poll"): 11,
        ("wire", "poll", "text"): 12,
        ("wire", "poll", "since"): 16,
        ("wire", "user_list"): 18,
        ("wire", "user_list", 0): 18,
        ("wire", "user_list", 0, "username"): 19,
        ("wire", "user_list", 1): 20,
        ("wire", "user_list", 1, "username"): 21,
        ("a.b",): 22,
        ("a.b", "c"): 22,
        ("a.b", "c", "d"): 23,
    }


def test_lines_are_found_whatever_their_ends_are() -> None:
    assert lines_of("a = 1\r\n\r\nb = 2\r\n") == {("a",): 1, ("b",): 3}
    assert lines_of("") == {}


def test_the_bundled_profile_has_a_line_for_each_of_its_keys() -> None:
    text = (TARGETS / "reference.toml").read_text(encoding="utf-8")
    lines = lines_of(text)
    assert text.splitlines()[lines["wire", "send", "seq"] - 1].startswith("seq ")
    assert text.splitlines()[lines["has", "hang_up"] - 1].startswith("hang_up ")


MINE = 'name = "x"\ncommand = ["x"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINE + "\nworkers = 0", "in line 4, expected `int` >= 1 at `workers`, not 0."),
        (MINE + "[bounds]\nspeed = 1", "in line 4, object contains unknown field `speed` at `bounds`; legal"),
        (MINE + "[bounds]\n\n[bounds.x]", "in line 5, object contains unknown field `x` at `bounds`; legal"),
        (MINE + "bounds = 1", "in line 3, expected `object`, got `int` at `bounds`, not 1."),
        (MINE + '[env]\nA = 1\n"b c" = [1]', "in line 5, expected `bool | int"),
        (MINE + '[env]\nA = 1\n"b c" = [1]', 'got `array` at `env."b c"`, not [1].'),
        (MINE + 'wire.send.ok = "yes"', 'or a list of them at `wire.send.ok`, not "yes".'),
        (MINE + 'wire.poll.path = "/{user}"', "in line 3, `wire.poll.path` has the unknown placeholder"),
        (MINE + '[semantics]\npromises = ["speed"]', "in line 4, unknown promise"),
        (MINE + '\nurl = "http://a"', "it has both `command` and `url`"),
        ('name = "x"\nurl = "chat:80"', "in line 2, expected http://HOST:PORT"),
        ('name = "x"\nurl = "http://ann:pw@chat"', "a name and a password belong in `wire.headers` or"),
        (MINE + '[stores]\npg = {upstream = "db"}', "in line 4, expected HOST:PORT"),
        (MINE + 'wire.users = "list"', 'in line 3, `wire.users = "list"` needs `user_list`'),
        (MINE + f'workers = "{"x" * 100}"', f'not "{"x" * 59}….'),
        ("", "is wrong: object missing required field `name`."),
    ],
)
def test_what_is_wrong_is_said_with_line_key_and_value(text: str, said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path, text)


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    assert "(at line 3, column " in refused(tmp_path, MINE + "a = = 1")


def refused(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as told:
        load_profile(str(path))
    sentence = str(told.value)
    assert sentence.isprintable()
    return sentence


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("harness.secrecy._NAMES", {})
    monkeypatch.setenv("KEY", "s3cret{key}")
    return "s3cret{key}"


def test_every_string_is_filled_in_from_the_environment(key: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "x"\nurl = "http://${HOST_OF_MINE}:1"\nadapter_options = { deep = [{ key = "${KEY}" }] }\n'
        'env = { A = "a ${KEY}" }\nwire.headers = { K = "$${KEY} ${KEY} $KEY ${KEY" }\n'
        'wire.users = "list"\nwire.user_list = [{ username = "ann", password = "${KEY}" }]\n',
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOST_OF_MINE", "chat.example")
        profile = load_profile(str(path))
    assert profile.url == "http://chat.example:1"
    assert profile.adapter_options == {"deep": [{"key": key}]}
    assert str(profile.env["A"]).format_map({}) == f"a {key}"
    assert profile.wire.headers == {"K": f"${{KEY}} {key} $KEY ${{KEY"}
    assert profile.wire.user_list[0].password == key


@pytest.mark.parametrize("name", ["NO_SUCH_VARIABLE", ""])
def test_a_missing_variable_is_named_with_its_key(name: str, tmp_path: Path) -> None:
    sentence = refused(tmp_path, f'{MINE}wire.user_list = [{{ username = "a", password = "${{{name}}}" }}]')
    wanted = f"the environment has no variable {name!r} for ${{{name}}} at `wire.user_list[0].password`."
    assert sentence.endswith(f"in line 3, {wanted}")


@pytest.mark.parametrize(
    "line", ['workers = "${KEY}"', 'url = "http://${KEY}"', 'wire.auth = "${KEY}"', 'wire.send.ok = "${KEY}"']
)
def test_an_error_never_shows_what_a_variable_holds(line: str, key: str, tmp_path: Path) -> None:
    sentence = refused(tmp_path, f"{MINE}{line}\n")
    assert key not in sentence
    assert "s3cret" not in sentence
