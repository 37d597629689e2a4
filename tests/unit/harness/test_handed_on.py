"""What `harness exec` hands on to its command is read back as proxies that can be broken."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.stack.handed_on import read, written
from harness.stack.toxics import Proxy, ProxyServer


def test_proxies_are_read_as_they_were_written() -> None:
    server = ProxyServer("http://127.0.0.1:8474")
    redis = Proxy(server, "p-redis", listen=("127.0.0.1", 20001), upstream=("127.0.0.1", 6379))
    other = Proxy(server, "p-pg", listen=("127.0.0.1", 20002), upstream=("db", 5432))
    other.question = b"\x00\xff\r\n"
    found = read(written(server.url, {"redis": redis, "upstream postgres": other}))
    assert list(found) == ["redis", "upstream postgres"]
    for known, one in zip((redis, other), found.values(), strict=True):
        assert (one.name, one.listen, one.upstream) == (known.name, known.listen, known.upstream)
        assert one.question == known.question


@pytest.mark.parametrize(
    "value", ["", "{", "[]", "7", '{"url": 7}', '{"url": "x", "proxies": {"redis": [1]}}']
)
def test_anything_else_is_one_sentence(value: str) -> None:
    with pytest.raises(UsageError, match="POLLPROOF_PROXIES is not what `harness exec` writes"):
        read(value)
