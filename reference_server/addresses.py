"""What counts as one address, however it is spelled, and which one a request came from."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

UNREADABLE = "unreadable"
"""Stands for every address that cannot be read: all of them together have the limits of one."""
_IPV6_NETWORK_BITS = 64
"""One customer has a whole network of this size, and a new address whenever they like."""
_LONGEST = 128
"""Characters of an address, with a zone and a port; nothing longer is looked at."""
_SPELLING = re.compile(r"\[(?P<bracketed>[^\]]*)\](?::\d*)?|(?P<ipv4>[^:]*)(?::\d*)?|(?P<ipv6>.*)", re.ASCII)


def client_address(remote: str, forwarded_for: str, trusted_proxies: int) -> str:
    """Give the address that the outermost trusted proxy saw; `remote` is where the connection comes from.

    Each proxy adds what it saw at the end of X-Forwarded-For. Commas alone part the entries: a quote that a
    client has sent must not swallow what a proxy adds behind it. Where there are too few entries, the
    connection itself counts.
    """
    if not trusted_proxies:
        return remote
    entries = forwarded_for.rsplit(",", trusted_proxies)[-trusted_proxies:]
    return entries[0] if len(entries) == trusted_proxies and forwarded_for.strip() else remote


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Give what counts as one address: an IPv4 address or an IPv6 network, or UNREADABLE.

    Proxies write an address with or without a port, in brackets, in quotes, with a zone, as IPv4 within IPv6.
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
