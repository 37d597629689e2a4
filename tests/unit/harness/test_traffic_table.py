"""docs/traffic.md says which row sends and asks what: here it is compared with the scenarios' source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import harness.scenarios
from harness.client.variety.variety import poll_factors, send_factors, user_names
from harness.policy import Features

DOCS = Path(__file__).parents[3] / "docs" / "traffic.md"
DRAWN, GIVEN, ONESELF = "drawn", "a text of its own", "to oneself"
LIMIT, WAIT, BEGIN = "one limit", "held for seconds", "from any cursor"
IN_ORDER = (DRAWN, GIVEN, ONESELF, LIMIT, WAIT, BEGIN)
_CONTENT_AT = {"messages.send": 2, "messages.send_acked": 2}
"""The place of the content among the arguments, if it can be given without its name."""
_BOTH = frozenset({"traffic.start", "measure.round_trips", "measure.p99_ms"})
_SENDS = _BOTH | {
    "messages.send",
    "messages.send_acked",
    "messages.send_copies",
    "messages.send_every_kind",
    "messages.send_in_parallel",
    "messages.send_bursts",
    "senders.start",
    "senders.send_many",
}
_BEGINS = frozenset({"readers.read_from", "readers.read_page"})
_POLLS = _BOTH | _BEGINS | {"readers.start", "readers.poll_once", "mailboxes.read_all"}


def test_each_row_sends_and_asks_what_the_document_says() -> None:
    said = {row: (sends, polls) for row, sends, polls in _table("row")}
    assert said == {row: (_words(sends), _words(polls)) for row, (sends, polls) in rows().items()}


def test_each_class_of_what_may_differ_is_in_the_document() -> None:
    everything = Features()
    factors = {**send_factors(everything), **poll_factors(everything), "name": user_names(everything)}
    assert dict(_table("what differs")) == {factor: "; ".join(classes) for factor, classes in factors.items()}


def test_most_rows_draw_their_traffic_and_many_send_to_oneself() -> None:
    """Else the source was read wrongly."""
    sends = [sends for sends, _ in rows().values()]
    assert len(sends) > 60
    assert sum(DRAWN in words for words in sends) > 60
    assert sum(ONESELF in words for words in sends) > 30


def _table(first: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has this title."""
    lines = iter(DOCS.read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {first} |"))
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def _words(words: frozenset[str]) -> str:
    return ", ".join(word for word in IN_ORDER if word in words) or "-"


def rows() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Return what each scenario with traffic sends, and how it polls."""
    found = {}
    for path in sorted(Path(harness.scenarios.__path__[0]).glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
        for function in functions.values():
            nodes = list(_nodes(function, functions, set()))
            sends = frozenset(word for node in nodes for word in _of_send(node))
            sends |= {ONESELF} if sends and any(map(_is_same_twice, nodes)) else set()
            polls = frozenset(word for node in nodes for word in _of_poll(node))
            found |= dict.fromkeys(_rows_of(function), (sends, polls)) if sends | polls else {}
    return found


def _rows_of(function: ast.FunctionDef) -> Iterator[str]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.plan":
            yield from (str(ast.literal_eval(argument)) for argument in mark.args)


def _nodes(
    function: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef], seen: set[str]
) -> Iterator[ast.AST]:
    """Everything in a function and in those of its module that it names."""
    seen.add(function.name)
    for node in ast.walk(function):
        yield node
        if isinstance(node, ast.Name) and node.id in functions.keys() - seen:
            yield from _nodes(functions[node.id], functions, seen)


def _method(node: ast.AST) -> str:
    """Return the method of a part of `run` that is called here; '' if none is."""
    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return called.removeprefix("run.") if called.startswith("run.") else ""


def _named(node: ast.AST) -> set[str | None]:
    return {keyword.arg for keyword in node.keywords} if isinstance(node, ast.Call) else set()


def _of_send(node: ast.AST) -> Iterator[str]:
    method = _method(node)
    if method in _SENDS and isinstance(node, ast.Call):
        is_given = _named(node) & {"content", "manner"} or len(node.args) > _CONTENT_AT.get(method, 9)
        yield GIVEN if is_given else DRAWN
        yield from [ONESELF] if method == "traffic.start" else []


def _is_same_twice(node: ast.AST) -> bool:
    """Whether somebody is paired with himself, or sends to himself."""
    pair: Sequence[ast.expr] = node.elts if isinstance(node, ast.Tuple) else []
    if isinstance(node, ast.Call) and _method(node) in _CONTENT_AT:
        pair = node.args[:2]
    return len(pair) == 2 and ast.unparse(pair[0]) == ast.unparse(pair[1])


def _of_poll(node: ast.AST) -> Iterator[str]:
    method = _method(node)
    if method in _POLLS:
        yield DRAWN
        yield from [LIMIT] if "limit" in _named(node) else []
        yield from [WAIT] if "wait_s" in _named(node) else []
        yield from [BEGIN] if method in _BEGINS else []
