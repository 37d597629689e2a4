"""A MongoDB replica set in memory: what its primary has applied, and what its majority has.

A write is applied first, and durable later; a failover rolls back what is not. Only what the server and its
mutants use of MongoDB's language is understood, and anything else is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pymongo import errors
from pymongo.operations import IndexModel

Document = dict[str, Any]
Data = dict[str, dict[Any, Document]]
DUPLICATE_KEY, ILLEGAL_ID = 11000, 53

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda held, asked: held is not None and held > asked,
    "$gte": lambda held, asked: held is not None and held >= asked,
    "$lte": lambda held, asked: held is not None and held <= asked,
    "$lt": lambda held, asked: held is not None and held < asked,
    "$ne": lambda held, asked: held != asked,
    "$exists": lambda held, asked: (held is not None) is asked,
}


class WriteFailed(Exception):
    """MongoDB refuses a write: with an error code, and the key of the index that is violated."""

    def __init__(self, code: int, key: Document | None = None) -> None:
        super().__init__(f"E{code} {key or ''}")
        self.code, self.key = code, key or {}


class MongoServer:
    """The documents by collection and `_id`. With `lags`, a write is durable only once it was `committed`."""

    def __init__(self, *, lags: bool = False) -> None:
        self.applied: Data = {}
        self.durable: Data = {}
        self.term = 0
        self.lags = lags
        self._position = self._committed = 0
        self._unique: dict[str, list[tuple[tuple[str, ...], Document]]] = {}

    # -- durability

    def committing(self) -> Callable[[], None]:
        """Return what makes durable all that was applied until now."""
        position, snapshot = self._position, {name: dict(found) for name, found in self.applied.items()}
        term = self.term

        def commit() -> None:
            if term == self.term and position > self._committed:
                self._committed, self.durable = position, snapshot

        return commit

    def fail_over(self) -> None:
        """Another member becomes primary: what was not durable is rolled back."""
        self.term += 1
        self.applied = {name: dict(found) for name, found in self.durable.items()}

    def fingerprint(self) -> int:
        """Return what its documents are."""
        return hash((_in_order(self.applied), _in_order(self.durable) if self.lags else 0, self.term))

    # -- reads

    def find(
        self,
        name: str,
        where: Document,
        *,
        majority: bool,
        sort: Iterable[tuple[str, int]] = (),
        limit: int = 0,
    ) -> list[Document]:
        """Return the documents that match."""
        data = self.durable if majority and self.lags else self.applied
        found = [document for document in data.get(name, {}).values() if _matches(document, where)]
        for field, direction in reversed(list(sort or ())):
            found.sort(key=lambda document: document[field], reverse=direction < 0)
        if not sort:  # MongoDB promises no order, but the same execution must have the same one
            found.sort(key=lambda document: str(document["_id"]))
        return found[:limit] if limit else found

    # -- writes

    def create_indexes(self, name: str, indexes: Iterable[IndexModel]) -> None:
        """Note the unique ones."""
        unique = [index.document for index in indexes if index.document.get("unique")]
        self._unique[name] = [
            (tuple(index["key"]), dict(index.get("partialFilterExpression", {}))) for index in unique
        ]

    def insert(self, name: str, document: Document) -> None:
        """Insert a document. Raise WriteFailed."""
        if isinstance(document["_id"], list):
            raise WriteFailed(ILLEGAL_ID)
        held = self.applied.setdefault(name, {})
        if document["_id"] in held:
            raise WriteFailed(DUPLICATE_KEY, {"_id": 1})
        for key, condition in self._unique.get(name, ()):
            if not _matches(document, condition):
                continue
            same = {field: document.get(field) for field in key}
            if any(_matches(one, same) and _matches(one, condition) for one in held.values()):
                raise WriteFailed(DUPLICATE_KEY, dict.fromkeys(key, 1))
        held[document["_id"]] = document
        self._position += 1

    def update(self, name: str, where: Document, change: Any, *, upsert: bool) -> Document | None:
        """Change one document, or insert it; return it as it is then. Raise WriteFailed."""
        found = self.find(name, where, majority=False, limit=1)
        if not found and not upsert:
            return None
        before = (
            found[0] if found else {field: value for field, value in where.items() if not _is_query(value)}
        )
        after = _changed(before, change, is_new=not found)
        if found and after != before:
            self.applied[name][after["_id"]] = after
            self._position += 1
        elif not found:
            self.insert(name, after)
        return after

    def delete(self, name: str, where: Document) -> None:
        """Delete one document."""
        for document in self.find(name, where, majority=False, limit=1):
            del self.applied[name][document["_id"]]
            self._position += 1


def _in_order(data: Data) -> str:
    """Return the documents, whatever order they came in."""
    return repr([(name, sorted(map(repr, found.values()))) for name, found in sorted(data.items())])


def _is_query(value: Any) -> bool:
    return isinstance(value, dict) and any(name.startswith("$") for name in value)


def _matches(document: Document, where: Document) -> bool:
    return all(
        any(_matches(document, each) for each in asked) if field == "$or" else _is(document.get(field), asked)
        for field, asked in where.items()
    )


def _is(held: Any, asked: Any) -> bool:
    if not _is_query(asked):
        return bool(held == asked)
    return all(_COMPARISONS[name](held, value) for name, value in asked.items())


def _changed(document: Document, change: Any, *, is_new: bool) -> Document:
    after = dict(document)
    if isinstance(change, list):  # the pipeline of the mutant `counter-before-insert`
        [stage] = change
        return after | {field: _value(document, asked) for field, asked in stage["$set"].items()}
    for operator, fields in change.items():
        for field, value in fields.items():
            if operator == "$max":
                after[field] = max(after.get(field, value), value)
            elif operator == "$set" or (operator == "$setOnInsert" and is_new):
                after[field] = value
            elif operator == "$unset":
                after.pop(field, None)
            elif operator != "$setOnInsert":
                raise errors.OperationFailure(f"{operator} is not simulated")
    return after


def _value(document: Document, asked: Any) -> Any:
    if isinstance(asked, str) and asked.startswith("$"):
        return document.get(asked[1:])
    if not _is_query(asked):
        return asked
    [(operator, operands)] = asked.items()
    values = [_value(document, each) for each in operands]
    if operator == "$ifNull":
        return next(value for value in values if value is not None)
    return {"$add": sum, "$max": max}[operator](values)
