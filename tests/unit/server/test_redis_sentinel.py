"""Which Redis is the primary, by what several sentinels say at different times."""

from __future__ import annotations

import pytest
from redis.sentinel import MasterNotFoundError, SentinelManagedSSLConnection

from reference_server.adapters import redis_clients
from reference_server.adapters.redis_sentinel import FRESH_S, SET_UP_ANEW_S, Primary, UnknownService
from tests.unit.server.world import Clock

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def primary(clock: Clock) -> Primary:
    return Primary("mymaster", clock.monotonic)


def test_before_any_answer_there_is_no_primary(primary: Primary) -> None:
    with pytest.raises(MasterNotFoundError, match="no sentinel names the primary"):
        primary.address()


def test_why_a_sentinel_does_not_answer_is_told_until_it_does(primary: Primary, clock: Clock) -> None:
    primary.not_seen("one:26379", "refused")
    primary.not_seen("two:26379", "timed out")
    with pytest.raises(MasterNotFoundError, match=r"the primary; one:26379: refused; two:26379: timed out$"):
        primary.address()
    primary.not_seen("one:26379", "")
    with pytest.raises(MasterNotFoundError, match=r"the primary; two:26379: timed out$"):
        primary.address()


def test_the_first_answer_is_believed_and_is_not_a_move(primary: Primary) -> None:
    assert not primary.saw(OLD, 0)
    assert primary.address() == OLD


def test_a_higher_epoch_wins_at_once_and_only_once(primary: Primary) -> None:
    primary.saw(OLD, 0)
    assert primary.saw(NEW, 1)
    assert not primary.saw(NEW, 1)
    assert primary.address() == NEW


def test_a_sentinel_that_is_cut_off_with_the_old_primary_changes_nothing(
    primary: Primary, clock: Clock
) -> None:
    """Not even if it is the only one that still answers: then there is no primary to trust."""
    primary.saw(OLD, 0)
    primary.saw(NEW, 1)
    assert not primary.saw(OLD, 0)
    assert primary.address() == NEW
    clock.advance(FRESH_S + 0.1)
    assert not primary.saw(OLD, 0)
    with pytest.raises(MasterNotFoundError):
        primary.address()


def test_an_address_that_came_before_its_epoch_waits_for_the_next_look(primary: Primary) -> None:
    primary.saw(OLD, 0)
    assert not primary.saw(NEW, 0)
    assert primary.address() == OLD
    assert primary.saw(NEW, 1)


def test_sentinels_that_were_set_up_anew_are_believed_after_a_minute(primary: Primary, clock: Clock) -> None:
    primary.saw(OLD, 7)
    clock.advance(SET_UP_ANEW_S + 1)
    assert primary.saw(NEW, 0)
    assert primary.address() == NEW


def test_of_two_addresses_with_one_epoch_the_one_that_is_still_confirmed_is_used(
    primary: Primary, clock: Clock
) -> None:
    primary.saw(OLD, 0)
    clock.advance(FRESH_S - 0.1)
    primary.saw(OLD, 0)
    clock.advance(FRESH_S - 0.1)
    assert not primary.saw(NEW, 0)
    clock.advance(FRESH_S)
    assert primary.saw(NEW, 0)


def test_an_answer_is_good_for_a_moment_only(primary: Primary, clock: Clock) -> None:
    primary.saw(OLD, 0)
    clock.advance(FRESH_S + 0.1)
    with pytest.raises(MasterNotFoundError, match="no sentinel names the primary"):
        primary.address()


def test_a_service_that_no_sentinel_knows_is_named(primary: Primary) -> None:
    primary.saw(None, 0)
    with pytest.raises(UnknownService, match="the sentinels know no service named 'mymaster'"):
        primary.address()


def test_one_sentinel_that_does_not_know_the_service_changes_nothing(primary: Primary) -> None:
    primary.saw(OLD, 0)
    assert not primary.saw(None, 0)
    assert primary.address() == OLD


def test_the_url_says_where_the_sentinels_are_and_who_asks_whom() -> None:
    url = (
        "redis+sentinel://ann:p%40ss@a.example,b.example:26380,[::1]:1/chat.main/3"
        "?sentinel_username=watch&sentinel_password=p%2Fw&client_name=chat"
    )
    pool = redis_clients.connect(url, timeout_ms=250).connection_pool
    sentinels = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
    places = [(sentinel["host"], sentinel["port"]) for sentinel in sentinels]
    assert places == [("a.example", 26379), ("b.example", 26380), ("::1", 1)]
    assert {(sentinel["username"], sentinel["password"]) for sentinel in sentinels} == {("watch", "p/w")}
    assert pool.service_name == "chat.main"
    own = pool.connection_kwargs
    assert (own["username"], own["password"], own["db"], own["client_name"]) == ("ann", "p@ss", 3, "chat")
    for options in (own, *sentinels):
        assert options["socket_timeout"] == options["socket_connect_timeout"] == 0.25
        assert options["retry"].get_retries() == 0


def test_the_password_of_the_primary_is_not_shown_to_sentinels() -> None:
    pool = redis_clients.connect("redis+sentinel://:secret@a/chat", timeout_ms=250).connection_pool
    [sentinel] = pool.sentinel_manager.sentinels
    assert sentinel.connection_pool.connection_kwargs.get("password") is None


def test_an_encrypted_url_encrypts_both_connections() -> None:
    url = "rediss+sentinel://a/chat?ssl_ca_certs=%2Fetc%2Fca.pem&ssl_check_hostname=false"
    pool = redis_clients.connect(url, timeout_ms=250).connection_pool
    [sentinel] = pool.sentinel_manager.sentinels
    assert pool.connection_class is SentinelManagedSSLConnection
    for each in (pool, sentinel.connection_pool):
        made = each.make_connection()
        assert (made.ca_certs, made.check_hostname) == ("/etc/ca.pem", False)
