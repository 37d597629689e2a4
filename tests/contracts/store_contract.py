"""What the store of record must do: run on the in-memory store and on a real MongoDB."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from reference_server.adapters.queue_limits import check_read
from reference_server.interfaces import Conversation, Cursor, MessageStore, Outbox, Page, UserStore
from reference_server.message import Draft, Message

WINDOW = 5
NO_CURSOR = Cursor(since_us=0, given=False)
NOON_US = 1_767_268_800_123_456

_ids = itertools.count()


def draft(content: str = "hi", *, to: str = "bob", by: str = "alice", client_id: str | None = None) -> Draft:
    return Draft(f"{next(_ids):032d}", by, to, content, client_id)


def fill(store: MessageStore, count: int) -> list[Message]:
    """Send bob so many messages, one a millisecond from NOON_US on."""
    return [store.append(draft(f"no. {n}"), NOON_US + n * 1000) for n in range(1, count + 1)]


EpochOf = Callable[[str], str]
"""See MongoEpochs.epoch."""
Delete = Callable[[str, int], object]
"""Deletes the messages of a mailbox up to this seq, as an operator may."""


class StoreContract:
    """Inherit it, with fixtures `store` (of a WINDOW), `outbox`, `epoch_of`, `users`, `delete`, all empty."""

    @pytest.fixture(autouse=True)
    def _registered(self, users: UserStore) -> None:
        for name in ("alice", "bob", "carol"):
            users.add(name, "hash of " + name)

    # -- appending

    def test_preparing_twice_is_as_good_as_once(self, store: MessageStore) -> None:
        store.prepare()
        store.prepare()
        assert store.append(draft(), NOON_US).seq == 1

    def test_a_mailbox_counts_from_one_without_holes(self, store: MessageStore) -> None:
        assert [message.seq for message in fill(store, 4)] == [1, 2, 3, 4]

    def test_every_mailbox_counts_for_itself(self, store: MessageStore) -> None:
        places = [store.append(draft(to=name), NOON_US).seq for name in ("bob", "carol", "bob", "alice")]
        assert places == [1, 1, 2, 1]

    def test_a_message_is_read_as_it_was_stored(self, store: MessageStore) -> None:
        content = 'ñandú 🎉 \u200d\u2028 "quoted" \\ \x00\x01\n\t'
        sent = store.append(draft(content, client_id="id 1/ä"), NOON_US)
        assert sent.content == content
        assert store.tail("bob", 1) == [sent]

    def test_a_timestamp_that_was_read_is_a_cursor_for_any_queue(self, store: MessageStore) -> None:
        """No driver's own kind of number."""
        store.append(draft(), NOON_US)
        for found in (store.tail("bob", 1)[0], store.read("bob", Cursor(0), 1).messages[0]):
            check_read(Cursor(found.timestamp_us), 1)

    def test_timestamps_are_the_clocks_to_the_microsecond(self, store: MessageStore) -> None:
        assert store.append(draft(), NOON_US).timestamp_us == NOON_US
        assert store.tail("bob", 1)[0].timestamp_us == NOON_US

    @pytest.mark.parametrize("step_us", [0, -1, -3_600_000_000])
    def test_a_clock_that_stands_or_steps_back_does_not_take_the_mailbox_back(
        self, store: MessageStore, step_us: int
    ) -> None:
        store.append(draft(), NOON_US)
        assert store.append(draft(), NOON_US + step_us).timestamp_us == NOON_US + 1

    def test_an_unknown_recipient_gets_nothing(self, store: MessageStore) -> None:
        with pytest.raises(LookupError):
            store.append(draft(to="nobody"), NOON_US)
        assert store.tail("nobody", 1) == []

    def test_a_repeated_client_id_gives_the_first_message_and_stores_nothing(
        self, store: MessageStore
    ) -> None:
        first = store.append(draft("hi", client_id="c1"), NOON_US)
        assert store.append(draft("hi", client_id="c1"), NOON_US + 1) == first
        assert store.append(draft("other", to="carol", client_id="c1"), NOON_US + 2) == first
        assert store.tail("bob", 10) == [first]
        assert store.tail("carol", 10) == []

    def test_client_ids_are_each_senders_own(self, store: MessageStore) -> None:
        for by in ("alice", "bob", "alice"):
            store.append(draft(by=by, client_id=f"of {by}"), NOON_US)
        store.append(draft(by="carol", client_id="of alice"), NOON_US)
        assert [message.sender for message in store.tail("bob", 10)] == ["alice", "bob", "carol"]

    def test_messages_without_a_client_id_are_never_the_same(self, store: MessageStore) -> None:
        for _ in range(3):
            store.append(draft("hi"), NOON_US)
        assert len(store.tail("bob", 10)) == 3

    def test_names_that_look_like_indexes_are_names(self, store: MessageStore, users: UserStore) -> None:
        """A driver's text about a duplicate key holds the names of indexes and users alike."""
        name = "sender_client_message_id"
        users.add(name, "hash")
        store.append(draft(to=name, by="bob"), NOON_US)
        assert store.append(draft("two", to=name, by="alice"), NOON_US).content == "two"

    # -- reading

    def test_the_tail_is_the_newest_oldest_first(self, store: MessageStore) -> None:
        fill(store, 4)
        assert [message.seq for message in store.tail("bob", 2)] == [3, 4]
        assert [message.seq for message in store.tail("bob", 9)] == [1, 2, 3, 4]
        assert store.tail("carol", 9) == []

    def test_following_is_the_oldest_behind_a_seq(self, store: MessageStore) -> None:
        fill(store, 4)
        assert [message.seq for message in store.following("bob", 1, 2)] == [2, 3]
        assert [message.seq for message in store.following("bob", 3, 2)] == [4]
        assert store.following("bob", 4, 2) == []

    def test_a_page_is_the_oldest_behind_the_cursor(self, store: MessageStore) -> None:
        sent = fill(store, 4)
        assert store.read("bob", Cursor(sent[0].timestamp_us), 2) == Page(sent[1:3], has_more=True, gap=False)
        assert store.read("bob", Cursor(sent[1].timestamp_us), 2) == Page(sent[2:], has_more=False, gap=False)
        assert store.read("bob", Cursor(sent[3].timestamp_us), 2) == Page([], has_more=False, gap=False)

    def test_a_cursor_reads_on_from_before_the_window(self, store: MessageStore) -> None:
        sent = fill(store, WINDOW + 3)
        page = store.read("bob", Cursor(sent[0].timestamp_us), 100)
        assert page == Page(sent[1:], has_more=False, gap=False)

    def test_without_a_cursor_the_window_is_what_there_is(self, store: MessageStore) -> None:
        assert store.read("bob", NO_CURSOR, 10) == Page([], has_more=False, gap=False)
        sent = fill(store, WINDOW)
        assert store.read("bob", NO_CURSOR, 10) == Page(sent, has_more=False, gap=False)

    def test_without_a_cursor_what_is_before_the_window_is_a_gap(self, store: MessageStore) -> None:
        sent = fill(store, WINDOW + 1)
        assert store.read("bob", NO_CURSOR, 2) == Page(sent[1:3], has_more=True, gap=True)

    def test_without_a_cursor_the_window_ends_at_its_age(self, store: MessageStore) -> None:
        sent = fill(store, 3)
        young = Cursor(sent[0].timestamp_us, given=False)
        assert store.read("bob", young, 10) == Page(sent[1:], has_more=False, gap=True)
        younger = Cursor(sent[2].timestamp_us, given=False)
        assert store.read("bob", younger, 10) == Page([], has_more=False, gap=True)

    def test_what_an_operator_deleted_is_a_gap_where_the_cursor_is_before_it(
        self, store: MessageStore, delete: Delete
    ) -> None:
        sent = fill(store, WINDOW + 3)
        delete("bob", 3)
        for cursor in (Cursor(0), Cursor(sent[0].timestamp_us), Cursor(sent[1].timestamp_us + 1)):
            assert store.read("bob", cursor, 2) == Page(sent[3:5], has_more=True, gap=True)
        assert store.read("bob", NO_CURSOR, 2) == Page(sent[3:5], has_more=True, gap=True)

    def test_behind_what_was_deleted_there_is_no_gap(self, store: MessageStore, delete: Delete) -> None:
        sent = fill(store, WINDOW + 3)
        delete("bob", 3)
        at, behind = Cursor(sent[3].timestamp_us), Cursor(sent[3].timestamp_us + 1)
        for cursor in (at, behind):
            assert store.read("bob", cursor, 9) == Page(sent[4:], has_more=False, gap=False)
        assert store.read("bob", Cursor(sent[-1].timestamp_us), 9) == Page([], has_more=False, gap=False)

    def test_a_conversation_is_both_directions_newest_first(self, store: MessageStore) -> None:
        there = store.append(draft("hello bob"), NOON_US)
        back = store.append(draft("hello alice", by="bob", to="alice"), NOON_US + 1)
        store.append(draft("not for this one", by="carol"), NOON_US + 2)
        again = store.append(draft("again"), NOON_US + 3)
        for one, other in (("alice", "bob"), ("bob", "alice")):
            assert store.conversation(one, other, None, 10) == [again, back, there]
            assert store.conversation(one, other, again.timestamp_us, 1) == [back]
            assert store.conversation(one, other, there.timestamp_us, 10) == []

    def test_a_conversation_with_oneself_shows_a_message_once(self, store: MessageStore) -> None:
        note = store.append(draft("note", by="bob"), NOON_US)
        assert store.conversation("bob", "bob", None, 10) == [note]

    def test_conversations_are_the_newest_message_each_way(self, store: MessageStore) -> None:
        store.append(draft("older"), NOON_US)
        there = store.append(draft("hello bob"), NOON_US + 1)
        note = store.append(draft("note", to="alice"), NOON_US + 2)
        back = store.append(draft("hello alice", by="bob", to="alice"), NOON_US + 3)
        asked = store.append(draft("hello?", by="carol", to="alice"), NOON_US + 4)
        store.append(draft("not for this one", by="carol"), NOON_US + 5)
        assert store.conversations("alice", 9) == [
            Conversation("carol", None, asked),
            Conversation("bob", there, back),
            Conversation("alice", note, note),
        ]
        assert store.conversations("alice", 1) == [Conversation("carol", None, asked)]
        assert store.conversations("dave", 9) == []

    def test_recent_recipients_are_those_of_the_newest_messages(self, store: MessageStore) -> None:
        for name in ("alice", "bob", "carol", "carol"):
            store.append(draft(to=name), NOON_US)
        assert store.recent_recipients(3) == {"bob", "carol"}

    def test_a_probe_of_a_working_store_works(self, store: MessageStore) -> None:
        assert store.probe()
        assert not store.breaker.is_open

    # -- the outbox

    def test_an_entry_grows_and_never_shrinks(self, outbox: Outbox) -> None:
        outbox.record("bob", 3)
        outbox.record("bob", 7)
        outbox.record("bob", 5)
        outbox.record("carol", 1)
        assert outbox.pending() == {"bob": 7, "carol": 1}

    def test_an_entry_is_removed_once_the_queue_has_reached_it(self, outbox: Outbox) -> None:
        outbox.record("bob", 7)
        outbox.remove("bob", 6)
        assert outbox.pending() == {"bob": 7}
        outbox.remove("bob", 7)
        outbox.remove("bob", 7)
        assert outbox.pending() == {}

    # -- which queue is in use

    def test_an_epoch_lasts_as_long_as_no_other_queue_is_in_use(self, epoch_of: EpochOf) -> None:
        first = epoch_of("a")
        assert epoch_of("a") == first
        other = epoch_of("b")
        assert other != first
        assert epoch_of("b") == other

    def test_a_queue_that_comes_back_begins_a_new_epoch(self, epoch_of: EpochOf) -> None:
        epochs = [epoch_of(identity) for identity in ("a", "b", "a")]
        assert len(set(epochs)) == 3

    # -- users

    def test_a_user_is_added_once(self, users: UserStore) -> None:
        assert users.add("dave", "hash 1")
        assert not users.add("dave", "hash 2")
        assert users.password_hash("dave") == "hash 1"
        assert users.exists("dave")

    def test_an_unregistered_user_is_unknown(self, users: UserStore) -> None:
        assert users.password_hash("nobody") is None
        assert not users.exists("nobody")

    def test_usernames_are_case_sensitive(self, users: UserStore) -> None:
        assert users.add("Bob", "hash")
        assert users.password_hash("bob") == "hash of bob"
