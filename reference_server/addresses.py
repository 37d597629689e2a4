"""The address that a request came from, and what counts as one address in whatever notation."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

UNREADABLE = "unreadable"
"""Stands for every address that cannot be parsed: together they share the limits of one address."""
_IPV6_NETWORK_BITS = 64
"""One customer has a whole network of this size and can use any address in it."""
_LONGEST = 128
"""Characters of an address with a zone and a port; anything longer counts as unreadable."""
_SPELLING = re.compile(r"\[(?P<bracketed>[^\]]*)\](?::\d*)?|(?P<ipv4>[^:]*)(?::\d*)?|(?P<ipv6>.*)", re.ASCII)


def client_address(remote: str, forwarded_for: str, trusted_proxies: int) -> str:
    """Return the address that the outermost trusted proxy saw. `remote` is the peer's address.

    Each proxy appends the address it saw to X-Forwarded-For. Only commas separate the entries: a quote sent
    by a client must not hide what a proxy appends. If there are too few entries, `remote` counts.
    """
    if not trusted_proxies:
        return remote
    entries = forwarded_for.rsplit(",", trusted_proxies)[-trusted_proxies:]
    return entries[0] if len(entries) == trusted_proxies and forwarded_for.strip() else remote


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address or an IPv6 network, or UNREADABLE.

    Proxies write addresses with or without a port, brackets, quotes or a zone, and IPv4 inside IPv6.
    """
    if len(address) > _LONGEST:
        return UNREADABLE
    match = _SPELLING.fullmatch(address.strip(' \t"'))
    found = match and (match["bracketed"] or match["ipv4"] or match["ipv6"])
    try:
        parsed = ipaddress.ip_address((found or "").partition("%")[0])
    except ValueError:
        return UNREADABLE
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
