"""Client profiles: what is read, and the one sentence for each thing that is wrong."""

import re
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.polling_clients.profile import BUNDLED, PROMISES, Has, Numbers, load_client

ROOT = Path(__file__).parents[4]
DOCUMENTED = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
PROGRAM = 'name = "x"\n[program]\ncommand = ["true"]\n'
PAGE = 'name = "x"\n[page]\npath = "/client/index.html"\nstop = "() => stop()"\n'


def written(folder, text):
    path = folder / "client.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("path", [*BUNDLED.glob("*.toml"), *sorted((ROOT / "docs/clients").glob("*.toml"))])
def test_every_profile_of_the_repository_can_be_loaded(path):
    loaded = load_client(str(path))
    assert loaded.folder == path.parent
    assert loaded.profile.promises == list(PROMISES)


def test_a_bundled_profile_is_found_by_its_name():
    assert load_client("reference").profile.name == "messagePollingService.js"


def test_what_a_profile_leaves_out_has_the_defaults(tmp_path):
    profile = load_client(written(tmp_path, PROGRAM)).profile
    assert (profile.kind, profile.numbers, profile.has) == ("program", Numbers(), Has())
    assert profile.settles_within_s == 16 + 2 + 10 + 2 + 1


def test_a_client_can_leave_promises_out(tmp_path):
    text = 'does_not_promise = ["lets-go", "paced"]\n' + PROGRAM
    assert load_client(written(tmp_path, text)).profile.promises == [
        name for name in PROMISES if name not in ("lets-go", "paced")
    ]


def test_a_page_without_a_function_to_stop_it_must_not_promise_to_let_go(tmp_path):
    page = 'name = "x"\n[page]\npath = "/"\n'
    with pytest.raises(UsageError, match=r"expected a function at `page.stop`, or 'lets-go' in"):
        load_client(written(tmp_path, page))
    assert load_client(written(tmp_path, 'does_not_promise = ["lets-go"]\n' + page)).profile.page


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('name = "x"', "expected either a table `page` or a table `program`"),
        (PAGE + PROGRAM.partition("\n")[2], "expected either a table `page` or a table `program`"),
        (PROGRAM + "[numbers]\ninterval_s = 0", "expected `float` > 0.0 at `numbers.interval_s`"),
        (PROGRAM + '[numbers]\ninterval_s = "2"', "expected `float`, got `str` at `numbers.interval_s`"),
        (PROGRAM + "[numbers]\ninterval = 2", "unknown field `interval` at `numbers`; legal are catch_up_s"),
        (PROGRAM + "[has]\ntab = true", "unknown field `tab` at `has`; legal are back_off, held_polls"),
        (PROGRAM + "[has]\ntabs = 1", "expected `bool`, got `int` at `has.tabs`"),
        ('name = ""\n[program]\ncommand = ["true"]', "expected `str` of length >= 1 at `name`"),
        ('name = "x"\n[program]\ncommand = []', "length >= 1 at `program.command`"),
        ('name = "x"\n[program]\ncommand = ["{port}"]', "only the names base_url, python, token, username"),
        ('name = "x"\n[program]\ncommand = ["{"]', "only the names base_url, python, token, username"),
        (
            PAGE.replace('"/client', '"client'),
            "'client/index.html' does not begin with a slash at `page.path`",
        ),
        (PAGE + '[page.files]\n"client/" = "."', "'client/' does not begin with a slash at `page.files`"),
        (PAGE + '[page.files]\n"/client/" = "absent"', "absent' does not exist at `page.files`"),
        (PAGE + "[has]\nswitch = true", "expected a function, as `has.switch` is true, at `page.switch`"),
        (PAGE + 'shown = { selector = "li" }', "object missing required field `attribute` at `page.shown`"),
        (
            'does_not_promise = ["no-loss"]\n' + PROGRAM,
            "expected the name of a promise (shows-all, shows-once",
        ),
        ("does_not_promise = [1]\n" + PROGRAM, "expected the name of a promise (shows-all, shows-once"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_place(tmp_path, text, wrong):
    with pytest.raises(UsageError) as raised:
        load_client(written(tmp_path, text))
    sentence = str(raised.value)
    assert sentence.startswith(f"The client profile {tmp_path / 'client.toml'} is wrong: ")
    assert wrong in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "text", ["name = ", "\ud800".encode("utf-8", "surrogatepass"), "a = " + "[" * 10_000]
)
def test_a_file_that_is_not_toml_is_one_sentence(tmp_path, text):
    path = tmp_path / "client.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=r"The client profile .* cannot be read: .*\.$"):
        load_client(str(path))


def test_a_missing_file_is_one_sentence_with_the_bundled_names(tmp_path):
    with pytest.raises(
        UsageError, match=r"^There is no client profile '.*absent': .* or one of reference\.$"
    ):
        load_client(str(tmp_path / "absent"))


def test_a_folder_is_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"The client profile .* cannot be read: Is a directory\."):
        load_client(str(tmp_path))


def test_the_documentation_names_every_promise():
    table = DOCUMENTED.partition("## What is judged")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == list(PROMISES)


@pytest.mark.parametrize("name", ["set_interval", "loop"])
def test_the_documentation_shows_the_examples_as_they_are(name):
    text = (ROOT / f"docs/clients/{name}.toml").read_text(encoding="utf-8")
    profile = text[text.index("name = ") :]  # without the comments above it
    assert f"```toml\n{profile}```" in DOCUMENTED
