"""URLs of services that somebody else runs: read, rewritten to a proxy, shown without their password."""

import pytest

from harness.errors import UsageError
from harness.stack.foreign import address_of, at_address, shown


@pytest.mark.parametrize(
    ("url", "scheme", "address"),
    [
        ("redis://cache:6380/2", "redis", ("cache", 6380)),
        ("redis://cache", "redis", ("cache", 6379)),
        ("mongodb://user:secret@store/chat?replicaSet=rs0", "mongodb", ("store", 27017)),
        ("http://proxy:8475", "http", ("proxy", 8475)),
    ],
)
def test_a_url_of_one_server_has_one_address(url, scheme, address):
    assert address_of(url, scheme, "SOME_URL") == address


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("rediss://cache:6380", "redis"),
        ("unix:///run/redis.sock", "redis"),
        ("mongodb+srv://cluster.example", "mongodb"),
        ("mongodb://one:27017,two:27017/", "mongodb"),
        ("localhost:6379", "redis"),
    ],
)
def test_what_no_proxy_can_stand_before_is_wrong_usage(url, scheme):
    with pytest.raises(
        UsageError, match=r"^SOME_URL .* must be .*://HOST:PORT with one host and without TLS"
    ):
        address_of(url, scheme, "SOME_URL")


def test_a_port_that_is_none_is_wrong_usage():
    with pytest.raises(UsageError, match="has no valid port"):
        address_of("redis://cache:70000", "redis", "REDIS_URL")


def test_a_proxied_url_keeps_user_password_path_and_parameters():
    url = at_address(
        "mongodb://user:secret@store/chat?replicaSet=rs0", ("127.0.0.1", 9), directConnection="true"
    )
    assert url == "mongodb://user:secret@127.0.0.1:9/chat?replicaSet=rs0&directConnection=true"


def test_a_proxied_url_without_path_gets_the_slash_that_parameters_need():
    assert at_address("mongodb://store", ("127.0.0.1", 9), directConnection="true") == (
        "mongodb://127.0.0.1:9/?directConnection=true"
    )
    assert at_address("redis://cache:6379/2", ("127.0.0.1", 9)) == "redis://127.0.0.1:9/2"


def test_no_message_shows_a_password():
    assert shown("redis://user:hunter2@cache:6379/0") == "redis://user:…@cache:6379/0"
    with pytest.raises(UsageError) as caught:
        address_of("rediss://user:hunter2@cache", "redis", "REDIS_URL")
    assert "hunter2" not in str(caught.value)
