"""Every notation of an address counts as the same address, and none escapes the limits."""

from __future__ import annotations

import pytest

from reference_server.addresses import UNREADABLE, client_address, network_of

IPV4 = "203.0.113.7"
IPV6 = "2001:db8::/64"


@pytest.mark.parametrize(
    ("spelling", "network"),
    [
        ("203.0.113.7", IPV4),
        ("203.0.113.7:50001", IPV4),
        ("203.0.113.7:", IPV4),
        (" 203.0.113.7 ", IPV4),
        ("\t203.0.113.7:1", IPV4),
        ('"203.0.113.7:50001"', IPV4),
        ("[203.0.113.7]:50001", IPV4),
        ("::ffff:203.0.113.7", IPV4),
        ("::FFFF:203.0.113.7", IPV4),
        ("::ffff:cb00:7107", IPV4),
        ("0:0:0:0:0:ffff:cb00:7107", IPV4),
        ("[::ffff:203.0.113.7]", IPV4),
        ("[::ffff:203.0.113.7]:50001", IPV4),
        ('"[::ffff:203.0.113.7]:50001"', IPV4),
        ("2001:db8::1", IPV6),
        ("2001:DB8:0::0001", IPV6),
        ("2001:db8::ffff:1", IPV6),
        ("[2001:db8::1]", IPV6),
        ("[2001:db8::1]:50001", IPV6),
        ("[2001:db8::1]:", IPV6),
        ('"[2001:db8::1]:50001"', IPV6),
        ("2001:db8::1%eth0", IPV6),
        ("[2001:db8::1%25eth0]:50001", IPV6),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("::", "::/64"),
    ],
)
def test_every_spelling_of_an_address_is_the_same_one(spelling: str, network: str) -> None:
    assert network_of(spelling) == network


@pytest.mark.parametrize(
    "spelling",
    [
        "", " ", '""', "unknown", "unix", "_hidden", "_SEVKISEK", "localhost", "a, 203.0.113.7", "[", "[]",
        "[]:1", "[2001:db8::1", "2001:db8::1]", "203.0.113", "203.0.113.7.1", "203.0.113.007",
        "203.0.113.256", "0xcb007107", "3405803783", "203.0.113.7:50001:1", "203.0.113.7:port",
        "203.0.113.7/24", "for=203.0.113.7", ":::", "1:2", "203.0.113.7\n", "\u0662\u0660\u0663.0.113.7",
        "\u00e9", "\x00", "9" * 8000, ":" * 8000, "[" * 8000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_address_for_all(spelling: str) -> None:
    assert network_of(spelling) == UNREADABLE


PROXY = "192.0.2.80"


@pytest.mark.parametrize(
    ("trusted", "forwarded_for", "address"),
    [
        (0, "203.0.113.7", PROXY),
        (1, "", PROXY),
        (1, " ", PROXY),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1,203.0.113.7:50001", "203.0.113.7"),
        (1, '"198.51.100.1, 203.0.113.7', "203.0.113.7"),
        (1, '"\\, 203.0.113.7', "203.0.113.7"),
        (1, ",,,203.0.113.7", "203.0.113.7"),
        (1, "203.0.113.7,", UNREADABLE),
        (1, "203.0.113.7, unknown", UNREADABLE),
        (2, "203.0.113.7", PROXY),
        (2, "203.0.113.7, 192.0.2.81", "203.0.113.7"),
        (2, "198.51.100.1, [2001:db8::1]:1, 192.0.2.81", "2001:db8::/64"),
    ],
)
def test_the_outermost_trusted_proxy_says_who_it_was(trusted: int, forwarded_for: str, address: str) -> None:
    assert network_of(client_address(PROXY, forwarded_for, trusted)) == address
