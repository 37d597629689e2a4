"""The listening sockets: one for each address that HOST resolves to, or those that systemd passes."""

from __future__ import annotations

import errno
import socket
import time

from gevent.monkey import get_original
from gunicorn import systemd  # type: ignore[import-untyped]  # gunicorn ships no types

from reference_server.setting import ConfigError

# gevent's would start threads, before the workers are forked.
_getaddrinfo = get_original("socket", "getaddrinfo")
_getnameinfo = get_original("socket", "getnameinfo")

_BIND_TIMEOUT_S = 3.0
"""Workers of a killed master hold the port until they notice, which takes up to a second."""
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def sockets(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets. Raise ConfigError.

    `localhost` often resolves to two addresses. One that this machine does not have, such as an IPv6 address,
    is left out if another one works.
    """
    passed = systemd.listen_fds()
    if passed:
        first: int = systemd.SD_LISTEN_FDS_START
        return [socket.socket(fileno=number) for number in range(first, first + passed)]
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    for family, address in _addresses(host, port):
        try:
            listeners.append(_listen(family, address))
        except OSError as error:
            if error.errno not in _NO_SUCH_ADDRESS:
                raise _refusal(host, port, error) from error
            missing = error
    if not listeners:
        raise _refusal(host, port, missing) from missing
    return listeners


def url(listener: socket.socket) -> str:
    """Return the URL of a listening socket; an IPv6 zone is escaped as in RFC 6874."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    host, port = _getnameinfo(listener.getsockname(), numeric)
    return f"http://{_bracketed(host.replace('%', '%25'))}:{port}"


def _addresses(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    try:
        found = _getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _refusal(host, port, error) from error
    except UnicodeError as error:  # a label of the name is empty or too long
        raise ConfigError(f"HOST must be an address or a name of this machine, not {host!r}.") from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _listen(family: int, address: tuple[str, int]) -> socket.socket:
    """Return a listening socket, after a short wait if the port is just being released. Raise OSError."""
    deadline = time.monotonic() + _BIND_TIMEOUT_S
    while True:
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return listener


def _refusal(host: str, port: int, error: OSError | None) -> ConfigError:
    reason = error.strerror if error else "the name has no address"
    return ConfigError(f"HOST and PORT: cannot listen on {_bracketed(host)}:{port}: {reason}.")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
