"""What polls that share a query to MongoDB are answered: run on the real one and on the one in memory."""

from __future__ import annotations

import pytest

from reference_server.adapters.mongo_pages import MOST_EACH, Pages, _Alone, _Poll
from reference_server.interfaces import MessageStore, Page, UserStore
from reference_server.message import Draft
from tests.contracts.store_contract import NOON_US, Delete, draft

NAMES = ("alice", "bob", "carol", "dave", "erin")
FIRST_US, LAST_US = NOON_US + 1000, NOON_US + 4000


class PagesContract:
    """Inherit it, with fixtures `pages`, and `store`, `users`, `delete` as in StoreContract."""

    @pytest.fixture(autouse=True)
    def _messages(self, store: MessageStore, users: UserStore) -> None:
        """Four messages in each mailbox, one a millisecond; the mailbox of erin stays empty."""
        for name in NAMES:
            users.add(name, "hash")
        for name in NAMES[:-1]:
            for number in range(1, 5):
                store.append(draft(f"no. {number} to {name}", to=name), NOON_US + number * 1000)

    def check(self, pages: Pages, *polls: _Poll, alone: int = 0) -> list[Page]:
        """Check that together each gets what it gets by itself, but for so many that must ask again."""
        together = pages._read_all("", polls)
        by_themselves = [pages._read(poll) for poll in polls]
        for poll, shared, own in zip(polls, together, by_themselves, strict=True):
            assert isinstance(shared, _Alone) or shared == own, poll
        assert sum(isinstance(shared, _Alone) for shared in together) == alone
        assert [pages.after(poll.recipient, poll.since_us, poll.limit) for poll in polls] == by_themselves
        return by_themselves

    def test_each_gets_the_page_of_its_own_mailbox(self, pages: Pages, store: MessageStore) -> None:
        new = store.append(draft("new", to="carol"), NOON_US + 9000)
        found = self.check(pages, *(_Poll(name, LAST_US, 100) for name in NAMES))
        assert [list(page.messages) for page in found] == [[], [], [new], [], []]
        assert not any(page.gap or page.has_more for page in found)

    def test_polls_of_one_mailbox_have_their_own_cursors_and_limits(self, pages: Pages) -> None:
        cursors = (LAST_US, FIRST_US, LAST_US - 1000, LAST_US + 1)
        found = self.check(pages, *(_Poll("bob", cursor, 2) for cursor in cursors), _Poll("erin", 0, 1))
        assert [[message.seq for message in page.messages] for page in found] == [[], [2, 3], [4], [], []]
        assert [page.has_more for page in found] == [False, True, False, False, False]

    def test_any_cursor_is_answered_as_by_itself(self, pages: Pages) -> None:
        for cursor in (-(10**15), 0, FIRST_US - 1, FIRST_US, LAST_US, LAST_US + 1, 253_402_300_799_999_999):
            self.check(pages, _Poll("bob", cursor, 1), *[_Poll("erin", 0, 1)] * 3)

    def test_whether_deleted_messages_are_a_gap_is_asked_alone(self, pages: Pages, delete: Delete) -> None:
        delete("bob", 2)
        polls = [_Poll("bob", cursor, 100) for cursor in (FIRST_US, NOON_US + 3000, NOON_US + 3001)]
        found = self.check(pages, *polls, _Poll("carol", LAST_US, 100), alone=2)
        assert [page.gap for page in found] == [True, False, False, False]

    def test_if_there_is_too_much_each_asks_alone(self, pages: Pages, store: MessageStore) -> None:
        polls = [_Poll("bob", 0, 100), _Poll("carol", LAST_US, 100)]
        for number in range(5, 2 * MOST_EACH):
            store.append(draft(f"no. {number}", to="bob"), NOON_US + number * 1000)
        found = self.check(pages, *polls, alone=2)
        assert [len(page.messages) for page in found] == [2 * MOST_EACH - 1, 0]

    def test_names_are_not_operators(self, pages: Pages, store: MessageStore, users: UserStore) -> None:
        users.add("$where", "hash")
        sent = store.append(Draft("0" * 32, "alice", "$where", "hi"), NOON_US)
        [page, _] = self.check(pages, _Poll("$where", 0, 100), _Poll("carol", LAST_US, 100))
        assert list(page.messages) == [sent]
