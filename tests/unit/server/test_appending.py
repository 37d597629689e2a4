"""What becomes of each of those whose messages are appended together, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reference_server.adapters import heads as heads_module
from reference_server.adapters import mongo_store
from reference_server.adapters.heads import Heads, Known
from reference_server.adapters.mongo_after import Stop
from reference_server.adapters.mongo_store import MongoStore, _Sending
from reference_server.errors import StoreUnavailable
from reference_server.message import EMPTY, Draft, Head, Message, place_after
from tests.unit.server.world import NOON_US

Answer = tuple[int, Stop | None] | StoreUnavailable


class Collection:
    """Has no messages, and a user for every name but `nobody`."""

    def __init__(self) -> None:
        self.head: dict[str, int] | None = None
        self.looks = 0
        self.indexed = 0

    def find_one(self, where: dict[str, Any], *_: Any, **options: Any) -> dict[str, Any] | None:
        if "recipient" in where:
            self.looks += 1
            return self.head
        return None if where["_id"] == "nobody" else where

    def create_indexes(self, indexes: object, **options: object) -> None:
        self.indexed += 1


class FakeMongo:
    """One collection; `operation` fails as its body does."""

    is_sharded = False

    def __init__(self) -> None:
        self.only = Collection()

    def collection(self, name: str) -> Collection:
        return self.only

    durable = collection

    @contextmanager
    def operation(self) -> Iterator[None]:
        yield


class World:
    """A store whose MongoDB answers each append as a test says: how many are stored, and why no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mongo = FakeMongo()
        self.store = MongoStore(self.mongo, window=5)  # type: ignore[arg-type]  # all that an append needs
        self.answers: list[Answer] = []
        self.earlier: list[Message | StoreUnavailable | None] = []
        self.asked: list[tuple[Head, list[str]]] = []
        monkeypatch.setattr(mongo_store, "append_after", self._append_after)
        monkeypatch.setattr(self.store, "_earlier", self._earlier)

    def _append_after(
        self, messages: object, head: Head, documents: list[dict[str, Any]]
    ) -> tuple[int, Stop | None]:
        self.asked.append((head, [document["content"] for document in documents]))
        answer = self.answers.pop(0)
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    def _earlier(self, draft: Draft) -> Message | None:
        found = self.earlier.pop(0)
        if isinstance(found, StoreUnavailable):
            raise found
        return found

    def append(self, *contents: str, to: str = "bob") -> list[str]:
        """Append together; return for each its place, or the name of its exception."""
        sendings = [_Sending(Draft(content, "alice", to, content, content), NOON_US) for content in contents]
        return [
            f"{outcome.content} is {outcome.seq}" if isinstance(outcome, Message) else type(outcome).__name__
            for outcome in self.store._append_all(to, sendings)
        ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


EARLIER = place_after(Head(6, NOON_US), Draft("b", "alice", "bob", "b", "b"), NOON_US)
TIMEOUT = StoreUnavailable("MongoDB: timed out")


def test_all_are_stored_by_one_command_one_after_the_other(world: World) -> None:
    world.answers = [(3, None)]
    assert world.append("a", "b", "c") == ["a is 1", "b is 2", "c is 3"]
    assert world.asked == [(EMPTY, ["a", "b", "c"])]


def test_timestamps_rise_within_a_batch_though_the_clock_stands(world: World) -> None:
    world.answers = [(3, None)]
    batch = [_Sending(Draft(name, "alice", "bob", name), NOON_US) for name in "abc"]
    found = world.store._append_all("bob", batch)
    assert [message.timestamp_us for message in found if isinstance(message, Message)] == [
        NOON_US,
        NOON_US + 1,
        NOON_US + 2,
    ]


def test_the_next_one_needs_no_look_at_the_head(world: World) -> None:
    world.answers = [(2, None), (1, None)]
    world.append("a", "b")
    assert world.append("c") == ["c is 3"]
    assert world.asked[1] == (Head(2, NOON_US + 1), ["c"])
    assert world.mongo.only.looks == 1


def test_another_worker_was_faster(world: World) -> None:
    """The first is stored; the place of the second is taken, and with it the others' places."""
    world.answers = [(1, Stop.MOVED), (2, None)]
    places = iter([None, {"seq": 2, "timestamp_us": NOON_US + 60_000_000}])
    world.mongo.only.find_one = (  # type: ignore[method-assign]
        lambda where, *_, **options: next(places) if "recipient" in where else where
    )
    assert world.append("a", "b", "c") == ["a is 1", "b is 3", "c is 4"]
    assert world.asked[1] == (Head(2, NOON_US + 60_000_000), ["b", "c"])


def test_one_is_a_replay(world: World) -> None:
    world.answers = [(1, Stop.CLIENT_ID_IN_USE), (1, None)]
    world.earlier = [EARLIER]
    world.mongo.only.head = {"seq": 7, "timestamp_us": NOON_US}
    assert world.append("a", "b", "c") == ["a is 8", "b is 7", "c is 8"]
    assert world.asked[1][1] == ["c"]


def test_a_replay_of_what_is_not_durable_yet_keeps_no_one_waiting(world: World) -> None:
    world.answers = [(0, Stop.CLIENT_ID_IN_USE), (2, Stop.CLIENT_ID_IN_USE)]
    world.earlier = [None, EARLIER]
    world.mongo.only.head = {"seq": 7, "timestamp_us": NOON_US}
    assert world.append("b", "c", "d") == ["b is 7", "c is 8", "d is 9"]
    assert world.asked[1][1] == ["c", "d", "b"]


@pytest.mark.parametrize(
    ("answers", "earlier", "outcomes"),
    [
        pytest.param([TIMEOUT], [], ["OutcomeUnknown"] * 3, id="the command timed out: all may be stored"),
        pytest.param(
            [(1, Stop.MOVED), TIMEOUT],
            [],
            ["a is 1", "OutcomeUnknown", "OutcomeUnknown"],
            id="the second command timed out: the first message is durable",
        ),
        pytest.param(
            [(1, Stop.CLIENT_ID_IN_USE)],
            [TIMEOUT],
            ["a is 1", "OutcomeUnknown", "StoreUnavailable"],
            id="the look for the earlier message timed out: that one exists, the last was not tried",
        ),
    ],
)
def test_a_failure_is_each_ones_own(
    world: World, answers: list[Answer], earlier: list[Any], outcomes: list[str]
) -> None:
    world.answers, world.earlier = answers, earlier
    assert world.append("a", "b", "c") == outcomes
    assert world.store._heads.take("bob") is None


def test_nothing_was_sent_if_the_head_could_not_be_read(world: World) -> None:
    def fail(*_: Any, **options: Any) -> None:
        raise TIMEOUT

    world.mongo.only.find_one = fail  # type: ignore[method-assign]
    assert world.append("a", "b") == ["StoreUnavailable"] * 2
    assert world.asked == []


def test_an_unknown_recipient_is_unknown_to_all(world: World) -> None:
    assert world.append("a", "b", to="nobody") == ["LookupError"] * 2
    assert world.asked == []


def test_missing_indexes_are_created_before_anything_is_stored(world: World) -> None:
    world.answers = [(0, Stop.NO_INDEX), (1, None)]
    assert world.append("a") == ["a is 1"]
    assert world.mongo.only.indexed == 1


def test_a_turn_that_comes_too_late_stores_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_store, "_TURN_TIMEOUT_S", 0.001)
    refused: list[StoreUnavailable] = []

    def meanwhile(messages: object, head: Head, documents: object) -> tuple[int, None]:
        with pytest.raises(StoreUnavailable, match="too many are sending to 'bob'") as error:
            world.store.append(Draft("late", "alice", "bob", "late"), NOON_US)
        refused.append(error.value)
        return 1, None

    monkeypatch.setattr(mongo_store, "append_after", meanwhile)
    assert world.store.append(Draft("a", "alice", "bob", "a"), NOON_US).seq == 1
    assert len(refused) == 1


class TestHeads:
    def message(self, to: str, seq: int = 1) -> Message:
        return place_after(Head(seq - 1, 0), Draft("id", "alice", to, "hi"), NOON_US)

    def test_one_is_used_once(self) -> None:
        """Until its message is stored no one knows which is the head."""
        heads = Heads()
        heads.keep(self.message("bob"), after=Known(EMPTY))
        assert heads.take("carol") is None
        assert heads.take("bob") == Known(Head(1, NOON_US), in_a_row=1)
        assert heads.take("bob") is None

    def test_those_used_longest_ago_are_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(heads_module, "MOST", 2)
        heads = Heads()
        for to in ("bob", "carol", "bob", "dave"):
            heads.keep(self.message(to), after=Known(EMPTY))
        assert [heads.take(to) is not None for to in ("bob", "carol", "dave")] == [True, False, True]
