"""Every mutant in the list can be put in, and names a row and a promise that exist."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from harness.checkers import CHECKERS
from harness.cli.client import PAGE
from harness.plan import PLAN_FILE, read_plan
from harness.polling_clients.profile import PROMISES as PROMISES_OF_CLIENTS
from harness.polling_clients.profile import load_client
from tests.mutants.catalog import MUTANTS
from tests.mutants.patched_client import ClientMutant, broken_client
from tests.mutants.registry import STORY, Mutant, ServerMutant, find, replaced_once

ROOT = Path(__file__).parents[2]
ROWS = {row.id for row in read_plan(ROOT / PLAN_FILE)}
CLIENT_ROWS = {row.id for row in read_plan(PAGE)}
SERVER_WORDS = {
    word
    for file in (ROOT / "reference_server").rglob("*.py")
    for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))
}
SERVERS = [mutant for mutant in MUTANTS.values() if isinstance(mutant, ServerMutant)]
CLIENTS = [mutant for mutant in MUTANTS.values() if isinstance(mutant, ClientMutant)]
EACH = pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
EACH_CLIENT = pytest.mark.parametrize("mutant", CLIENTS, ids=lambda it: it.name)


def test_there_are_mutants_of_many_mechanisms() -> None:
    assert len(MUTANTS) >= 40
    assert len({mutant.mechanism for mutant in MUTANTS.values()}) >= 8


def test_the_quick_ones_break_different_promises() -> None:
    promises = [mutant.promise for mutant in SERVERS if mutant.quick]
    of_clients = [mutant.promise for mutant in CLIENTS if mutant.quick]
    assert 6 <= len(promises) <= 8
    assert len(of_clients) == 3
    assert len({*promises, *of_clients}) == len(promises) + len(of_clients)


def test_each_promise_of_a_client_is_broken_by_a_mutant() -> None:
    assert {mutant.promise for mutant in CLIENTS} == set(PROMISES_OF_CLIENTS)


@EACH
def test_a_mutant_names_a_row_of_the_plan_and_a_promise_that_is_judged(mutant: Mutant) -> None:
    assert mutant.row in (CLIENT_ROWS if isinstance(mutant, ClientMutant) else ROWS)
    assert mutant.promise in CHECKERS.keys() | {STORY}
    assert bool(mutant.says) is (mutant.promise == STORY)


@EACH
def test_a_mutant_says_in_one_sentence_what_is_wrong(mutant: Mutant) -> None:
    assert mutant.sentence.endswith(".")
    assert len(mutant.sentence) < 130


@EACH_CLIENT
def test_a_broken_client_has_what_it_replaces_once_and_is_served_beside_its_profile(
    mutant: ClientMutant, tmp_path: Path
) -> None:
    loaded = load_client(str(mutant.target(tmp_path)))
    assert loaded.profile.page is not None
    assert set(loaded.profile.page.files.values()) == {"page", "service"}
    for file, text in mutant.patched().items():
        assert (tmp_path / file).read_text(encoding="utf-8") == text


def test_a_broken_client_fails_loudly_where_the_client_has_changed() -> None:
    with pytest.raises(ValueError, match="is there 2 times, and not once"):
        replaced_once("a poll, a poll", "poll", "look")
    gone = ClientMutant("gone", "", "", "", "", "", False, {"page/index.html": (("not there", ""),)})
    with pytest.raises(ValueError, match="0 times"):
        gone.patched()


def test_two_mutants_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="two mutants are called never-begins"):
        broken_client("never-begins", "", mechanism="", row="", promise="")


@pytest.mark.parametrize("mutant", SERVERS, ids=lambda it: it.name)
def test_what_a_mutant_replaces_is_there(mutant: ServerMutant) -> None:
    if mutant.replaces is not None:
        _, _, replaced = find(mutant.replaces)
        assert replaced is not mutant.broken


MECHANISM = pytest.mark.parametrize("mechanism", dict.fromkeys(one.mechanism for one in SERVERS))


@MECHANISM
def test_what_a_mutant_sets_by_itself_is_there(mechanism: str) -> None:
    module = import_module(f"tests.mutants.{mechanism}")
    tree = ast.parse(inspect.getsource(module))
    assigned = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
    for target in (part for whole in assigned for part in getattr(whole, "elts", [whole])):
        if isinstance(target, ast.Attribute) and (owner := _of_the_server(target.value, module)):
            assert hasattr(owner, target.attr), f"{ast.unparse(target)} would change nothing"


@MECHANISM
def test_the_private_names_that_a_mutant_uses_are_the_servers(mechanism: str) -> None:
    tree = ast.parse(inspect.getsource(import_module(f"tests.mutants.{mechanism}")))
    private = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and re.match("_[a-z]", n.attr)]
    own = {node.attr for node in private if isinstance(node.ctx, ast.Store)}
    assert {node.attr for node in private} - own <= SERVER_WORDS


def _of_the_server(owner: ast.expr, module: ModuleType) -> object:
    """Return the class or module that an expression names; None if it is known only at run time."""
    name, *attributes = ast.unparse(owner).split(".")
    found = getattr(module, name, None)
    for attribute in attributes:
        found = getattr(found, attribute, None)
    return found


def test_the_documentation_lists_them_all() -> None:
    lines = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.startswith("| ") and not line.startswith("| mutant ")]
    mechanisms = dict.fromkeys(mutant.mechanism for mutant in MUTANTS.values())
    assert [line.removeprefix("### ") for line in lines if line.startswith("### ")] == list(mechanisms)
    assert listed == [mutant.documented() for mutant in MUTANTS.values()]
