"""What every MessageQueue must do: run on the in-memory queue, on fakeredis and on a real Redis."""

from __future__ import annotations

from typing import Any, Protocol

import pytest
from msgspec.structs import replace

from reference_server.errors import Refused
from reference_server.interfaces import (
    Accepted,
    Cursor,
    Incomplete,
    MessageQueue,
    Page,
    Rebuild,
    Untrusted,
)
from reference_server.message import Message

LIMIT = 5
BOB = "bob"
START = Cursor(since_us=0)
NO_CURSOR = Cursor(since_us=0, given=False)


def message(seq: int, content: str = "hi", **fields: Any) -> Message:
    """The message with this seq in bob's mailbox; its timestamp is seq milliseconds after 1970."""
    plain = Message(seq, seq * 1000, f"id-{seq}", "alice", BOB, content)
    return replace(plain, **fields)


def messages(first: int, last: int) -> list[Message]:
    return [message(seq) for seq in range(first, last + 1)]


class Epochs:
    """What a queue asks for its epoch."""

    now = "the first"

    def __call__(self, identity: str) -> str:
        return self.now


def refresh(queue: MessageQueue) -> None:
    """As the relay does in every step."""
    assert queue.probe()
    queue.refresh()


def rebuilt(queue: MessageQueue, window: list[Message]) -> MessageQueue:
    """The queue, holding this window of bob's mailbox."""
    asked = queue.push(BOB, ())
    assert isinstance(asked, Rebuild)
    assert queue.push(BOB, window, asked.claim) == Accepted(window[-1].seq if window else 0)
    return queue


def seqs(page: Page | Untrusted | Incomplete) -> list[int]:
    assert isinstance(page, Page), page
    return [found.seq for found in page.messages]


class Lose(Protocol):
    def __call__(self) -> object:
        """Delete bob's mailbox, like a Redis that restarts empty."""


class QueueContract:
    """Inherit it and give the fixtures `queue` (of LIMIT messages a mailbox) and `lose`."""

    @pytest.fixture
    def epochs(self) -> Epochs:
        return Epochs()

    # -- pushing

    def test_a_mailbox_that_was_not_rebuilt_is_not_trusted(self, queue: MessageQueue) -> None:
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        assert isinstance(queue.push(BOB, [message(1)]), Rebuild)

    def test_a_message_that_continues_the_list_is_accepted(self, queue: MessageQueue) -> None:
        rebuilt(queue, [])
        assert queue.push(BOB, [message(1)]) == Accepted(1)
        assert queue.push(BOB, messages(2, 3)) == Accepted(3)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]

    @pytest.mark.plan("QUEUE-02", "QUEUE-03", light=True)
    @pytest.mark.parametrize(
        "content",
        [
            "hi",
            "ñandú 🎉 \u200d",
            'quote " and \\ and \u2028',
            "line\nbreak\ttab",
            "\x00\x01",
            "{}",
            "١٢٣",
            "a" * 10_000,
        ],
    )
    def test_a_message_is_read_as_it_was_pushed(self, queue: MessageQueue, content: str) -> None:
        pushed = message(
            1, content, client_message_id="c-1", sender="@.+-é", timestamp_us=1_767_268_800_123_456
        )
        rebuilt(queue, [])
        queue.push(BOB, [pushed])
        page = queue.read(BOB, START, 10)
        assert isinstance(page, Page)
        assert page.messages == [pushed]

    def test_a_repeated_push_changes_nothing(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 3))
        assert queue.push(BOB, [message(3)]) == Accepted(3)
        assert queue.push(BOB, [message(1)]) == Accepted(3)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]

    def test_a_batch_adds_only_what_is_new(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 2))
        assert queue.push(BOB, messages(2, 4)) == Accepted(4)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3, 4]

    def test_behind_a_gap_nothing_is_added_and_the_head_is_told(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 2))
        assert queue.push(BOB, [message(4)]) == Accepted(2)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2]

    def test_only_the_newest_messages_are_kept(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, LIMIT))
        assert queue.push(BOB, messages(LIMIT + 1, LIMIT + 3)) == Accepted(LIMIT + 3)
        assert seqs(queue.read(BOB, NO_CURSOR, 10)) == list(range(4, LIMIT + 4))

    def test_a_window_longer_than_the_limit_is_cut_to_its_newest(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, LIMIT + 3))
        assert seqs(queue.read(BOB, NO_CURSOR, 10)) == list(range(4, LIMIT + 4))

    def test_a_list_of_another_history_is_rebuilt(self, queue: MessageQueue) -> None:
        """The store came back from a backup, and its next messages took the seqs of forgotten ones."""
        rebuilt(queue, messages(1, 3))
        other = message(3, "from the other history", id="id-other")
        asked = queue.push(BOB, [other])
        assert isinstance(asked, Rebuild)
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        assert queue.push(BOB, [*messages(1, 2), other], asked.claim) == Accepted(3)
        page = queue.read(BOB, START, 10)
        assert isinstance(page, Page)
        assert page.messages[-1] == other

    # -- rebuilding

    def test_workers_that_rebuild_at_the_same_time_share_one_claim(self, queue: MessageQueue) -> None:
        one, other = queue.push(BOB, ()), queue.push(BOB, [message(1)])
        assert one == other

    def test_the_later_of_two_rebuilders_takes_nothing_away(self, queue: MessageQueue) -> None:
        asked = queue.push(BOB, ())
        assert isinstance(asked, Rebuild)
        assert queue.push(BOB, messages(1, 3), asked.claim) == Accepted(3)
        assert queue.push(BOB, messages(1, 2), asked.claim) == Accepted(3)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]

    def test_the_later_of_two_rebuilders_adds_what_it_knows_more(self, queue: MessageQueue) -> None:
        asked = queue.push(BOB, ())
        assert isinstance(asked, Rebuild)
        queue.push(BOB, messages(1, 2), asked.claim)
        assert queue.push(BOB, messages(1, 3), asked.claim) == Accepted(3)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]

    def test_a_window_read_before_the_list_was_lost_again_is_refused(
        self, queue: MessageQueue, lose: Lose
    ) -> None:
        """It would hide message 3, which was pushed and acked meanwhile."""
        slow = queue.push(BOB, ())
        assert isinstance(slow, Rebuild)
        stale_window = messages(1, 2)
        queue.push(BOB, stale_window, slow.claim)
        queue.push(BOB, [message(3)])
        lose()
        asked_again = queue.push(BOB, stale_window, slow.claim)
        assert isinstance(asked_again, Rebuild)
        assert isinstance(queue.read(BOB, START, 10), Untrusted)

    def test_a_stale_claim_never_becomes_the_new_one(self, queue: MessageQueue, lose: Lose) -> None:
        """Others hold it too, and their windows may be as old."""
        stale = queue.push(BOB, ())
        assert isinstance(stale, Rebuild)
        lose()
        fresh = queue.push(BOB, messages(1, 2), stale.claim)
        assert isinstance(fresh, Rebuild)
        assert fresh.claim != stale.claim
        assert isinstance(queue.push(BOB, messages(1, 2), stale.claim), Rebuild)
        assert queue.push(BOB, messages(1, 3), fresh.claim) == Accepted(3)

    # -- reading

    def test_an_empty_mailbox_gives_an_empty_page(self, queue: MessageQueue) -> None:
        rebuilt(queue, [])
        for cursor in (START, NO_CURSOR):
            assert queue.read(BOB, cursor, 10) == Page([], has_more=False, gap=False)

    @pytest.mark.plan("QUEUE-06", light=True)
    def test_the_mailbox_of_an_empty_name_is_empty(self, queue: MessageQueue) -> None:
        assert queue.read("", START, 10) == Page((), has_more=False, gap=False)

    @pytest.mark.plan("QUEUE-11", light=True)
    @pytest.mark.parametrize(
        ("since_us", "limit", "expected", "has_more"),
        [
            (0, 3, [1, 2, 3], True),
            (0, 5, [1, 2, 3, 4, 5], False),
            (1000, 2, [2, 3], True),
            (1001, 2, [2, 3], True),
            (999, 1, [1], True),
            (3000, 10, [4, 5], False),
            (4999, 10, [5], False),
            (5000, 10, [], False),
            (9_000_000_000_000_000, 10, [], False),
            (-1, 10, [1, 2, 3, 4, 5], False),
        ],
    )
    def test_a_page_holds_the_oldest_behind_the_cursor(
        self, queue: MessageQueue, since_us: int, limit: int, expected: list[int], has_more: bool
    ) -> None:
        rebuilt(queue, messages(1, 5))
        page = queue.read(BOB, Cursor(since_us), limit)
        assert seqs(page) == expected
        assert isinstance(page, Page)
        assert page.has_more is has_more

    def test_a_chain_of_pages_gives_every_message_once(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 5))
        chain, cursor = [], START
        for _ in range(3):
            page = queue.read(BOB, cursor, 2)
            assert isinstance(page, Page)
            chain += seqs(page)
            cursor = Cursor(page.messages[-1].timestamp_us)
        assert chain == [1, 2, 3, 4, 5]

    def test_a_cursor_older_than_the_list_is_for_the_store(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(4, 8))
        assert queue.read(BOB, Cursor(3000), 10) == Incomplete()
        assert seqs(queue.read(BOB, Cursor(4000), 10)) == [5, 6, 7, 8]

    def test_without_a_cursor_a_full_list_is_the_window_and_says_that_there_was_more(
        self, queue: MessageQueue
    ) -> None:
        rebuilt(queue, messages(4, 8))
        page = queue.read(BOB, NO_CURSOR, 3)
        assert page == Page(messages(4, 6), has_more=True, gap=True)

    def test_without_a_cursor_a_list_that_is_not_full_is_for_the_store(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(4, 5))
        assert queue.read(BOB, NO_CURSOR, 10) == Incomplete()

    def test_without_a_cursor_the_window_ends_at_its_age(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 3))
        assert queue.read(BOB, Cursor(1000, given=False), 10) == Page(
            messages(2, 3), has_more=False, gap=True
        )
        assert queue.read(BOB, Cursor(9000, given=False), 10) == Page([], has_more=False, gap=True)

    def test_mailboxes_do_not_mix(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 2))
        assert isinstance(queue.read("bobby", START, 10), Untrusted)
        assert isinstance(queue.read("bo", START, 10), Untrusted)

    # -- refusing

    @pytest.mark.plan("QUEUE-01", "QUEUE-02", light=True)
    @pytest.mark.parametrize(
        "bad",
        [
            message(1, ""),
            message(1, "a" * 10_001),
            message(1, sender=""),
            message(1, recipient=""),
        ],
        ids=["no content", "too long", "no sender", "no recipient"],
    )
    def test_what_no_queue_may_hold_is_refused(self, queue: MessageQueue, bad: Message) -> None:
        rebuilt(queue, [])
        with pytest.raises(Refused):
            queue.push(BOB, [bad])
        assert seqs(queue.read(BOB, START, 10)) == []

    @pytest.mark.plan("QUEUE-07", light=True)
    @pytest.mark.parametrize("limit", [0, -1, 101, 1.5, "10", None])
    def test_a_limit_outside_the_range_is_refused(self, queue: MessageQueue, limit: Any) -> None:
        with pytest.raises(Refused):
            queue.read(BOB, START, limit)

    @pytest.mark.plan("QUEUE-10", light=True)
    @pytest.mark.parametrize("since_us", ["yesterday", 1.5, None, True])
    def test_a_malformed_cursor_is_refused(self, queue: MessageQueue, since_us: Any) -> None:
        with pytest.raises(Refused):
            queue.read(BOB, Cursor(since_us), 10)

    def test_what_was_written_in_another_epoch_is_not_trusted(
        self, queue: MessageQueue, epochs: Epochs
    ) -> None:
        """Another queue was in use in between, and this one lacks what was pushed there."""
        rebuilt(queue, messages(1, 3))
        epochs.now = "the second"
        refresh(queue)
        assert isinstance(queue.read(BOB, START, 10), Untrusted)
        assert isinstance(queue.push(BOB, [message(4)]), Rebuild)

    def test_a_claim_of_another_epoch_is_not_honoured(self, queue: MessageQueue, epochs: Epochs) -> None:
        asked = queue.push(BOB, ())
        assert isinstance(asked, Rebuild)
        epochs.now = "the second"
        refresh(queue)
        again = queue.push(BOB, messages(1, 2), asked.claim)
        assert isinstance(again, Rebuild)
        assert again.claim != asked.claim

    def test_a_look_at_the_same_epoch_changes_nothing(self, queue: MessageQueue) -> None:
        rebuilt(queue, messages(1, 3))
        refresh(queue)
        assert seqs(queue.read(BOB, START, 10)) == [1, 2, 3]

    def test_a_probe_of_a_working_queue_works(self, queue: MessageQueue) -> None:
        assert queue.probe()
        assert not queue.breaker.is_open
