"""Toxiproxy through toxiproxy-python, plus what that lacks.

The library keeps host and port in class attributes, waits for ever, takes an answer 500 for success (so
`enable()` on a taken port seems to have worked), and cannot update a toxic. Here each call is bound to its
server, gets 5 s, and its effect is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
import toxiproxy  # type: ignore[import-untyped]  # it has no annotations
import toxiproxy.api  # type: ignore[import-untyped]
import toxiproxy.exceptions  # type: ignore[import-untyped]
import toxiproxy.proxy  # type: ignore[import-untyped]
import toxiproxy.server  # type: ignore[import-untyped]

from harness.errors import InfrastructureError
from harness.stack.probe import ANY_QUESTION

Address = tuple[str, int]
CALL_TIMEOUT_S = 5.0

_server: ContextVar[ProxyServer] = ContextVar("_server")


class _Consumer(toxiproxy.api.APIConsumer):  # type: ignore[misc]  # the base has no annotations
    """What the library speaks HTTP through: our server inside `ProxyServer.bound`, unchanged outside."""

    @classmethod
    def get(cls, url: str, params: Any = None, **kwargs: Any) -> Any:
        if server := _server.get(None):
            return server.call("GET", url, params=params)
        return super().get(url, params, **kwargs)

    @classmethod
    def delete(cls, url: str, **kwargs: Any) -> Any:
        if server := _server.get(None):
            return server.call("DELETE", url)
        return super().delete(url, **kwargs)

    @classmethod
    def post(cls, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> Any:
        if server := _server.get(None):
            return server.call("POST", url, json=json)
        return super().post(url, data, json, **kwargs)


toxiproxy.proxy.APIConsumer = toxiproxy.server.APIConsumer = _Consumer


class ProxyServer:
    """One Toxiproxy. `recover`, if it is ours, kills and restarts a server that hangs."""

    def __init__(self, url: str, *, recover: Callable[[], None] | None = None) -> None:
        self.url = url.rstrip("/")
        self._recover = recover
        self._recovering = False
        self._proxies: list[Proxy] = []

    @contextmanager
    def bound(self) -> Iterator[toxiproxy.Toxiproxy]:
        """The library's object, bound to this server; what it raises becomes InfrastructureError."""
        token = _server.set(self)
        try:
            yield toxiproxy.Toxiproxy()
        except (
            toxiproxy.exceptions.ProxyExists,
            toxiproxy.exceptions.NotFound,
            toxiproxy.exceptions.InvalidToxic,
            requests.RequestException,
        ) as error:
            raise InfrastructureError(f"Toxiproxy at {self.url} failed: {_text(error)}.") from error
        finally:
            _server.reset(token)

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Make one control call. Raise InfrastructureError after 5 s; a server of ours is restarted first."""
        try:
            with requests.Session() as session:
                session.trust_env = False  # HTTP_PROXY is for the world outside
                response = session.request(method, self.url + path, timeout=CALL_TIMEOUT_S, **kwargs)
        except requests.Timeout as error:
            raise InfrastructureError(self._after_hang(f"{method} {path}")) from error
        if response.status_code >= 500:
            said = response.text.strip()
            raise InfrastructureError(
                f"Toxiproxy answered {method} {path} with {response.status_code}: {said}."
            )
        return toxiproxy.api.validate_response(response)  # type: ignore[no-any-return]

    def version(self) -> str:
        """Return the server's version; a build without one says `git`."""
        with self.bound():
            return str(_Consumer.get("/version").json()["version"])

    def create(self, name: str, *, listen: Address, upstream: Address) -> Proxy:
        """Create a proxy, enabled."""
        proxy = Proxy(self, name, listen=listen, upstream=upstream)
        proxy.create()
        self._proxies.append(proxy)
        return proxy

    def _after_hang(self, call: str) -> str:
        hung = f"Toxiproxy at {self.url} did not answer {call} within {CALL_TIMEOUT_S:g} s"
        if self._recover is None or self._recovering:
            return f"{hung}."
        self._recovering = True
        try:
            self._recover()
            for proxy in self._proxies:
                proxy.create()
        finally:
            self._recovering = False
        return f"{hung}; it was killed and restarted."


class Proxy:
    """One proxy: clients connect to `listen`, it connects to `upstream`."""

    def __init__(self, server: ProxyServer, name: str, *, listen: Address, upstream: Address) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.question = ANY_QUESTION
        """What makes the upstream answer, where it is an unknown store."""
        self._home = upstream
        self._server = server

    def create(self) -> None:
        """Create it on the server."""
        with self._server.bound() as library:
            library.create(name=self.name, listen=_join(self.listen), upstream=_join(self.upstream))
        self._require(enabled=True, toxics=0)

    def disable(self) -> None:
        """Close its live connections and refuse new ones."""
        self._set(enabled=False)

    def enable(self) -> None:
        """Let it listen again. Raise InfrastructureError when it cannot, because its port is taken."""
        self._set(enabled=True)

    def lead_to(self, upstream: Address) -> None:
        """Connect to another upstream until the next `heal`; live connections are closed."""
        self.upstream = upstream
        with self._server.bound():
            self._server.call("POST", f"/proxies/{self.name}", json={"upstream": _join(upstream)})
        self._require(enabled=True)

    def add_toxic(self, kind: str, stream: str, **attributes: int) -> None:
        """Add one toxic to `upstream` (what clients send) or `downstream` (what they are answered)."""
        with self._server.bound() as library:
            proxy = self._on(library)
            proxy.add_toxic(type=kind, stream=stream, attributes=attributes)
            if f"{kind}_{stream}" not in proxy.toxics():
                raise InfrastructureError(f"Toxiproxy did not add the toxic {kind} to {self.name} {stream}.")

    def heal(self) -> None:
        """Make it forward everything to its own upstream again; create it anew after a restart."""
        led_astray, self.upstream = self.upstream != self._home, self._home
        with self._server.bound() as library:
            proxy = library.get_proxy(self.name)
            if proxy is None:
                self.create()
                return
            if led_astray:
                self.lead_to(self._home)
            for toxic in proxy.toxics():
                proxy.destroy_toxic(toxic)
            if not proxy.enabled:
                proxy.enable()
        self._require(enabled=True, toxics=0)

    def destroy(self) -> None:
        """Remove it from the server."""
        with self._server.bound() as library:
            self._on(library).destroy()

    def _on(self, library: toxiproxy.Toxiproxy) -> toxiproxy.Proxy:
        proxy = library.get_proxy(self.name)
        if proxy is None:
            raise InfrastructureError(f"Toxiproxy at {self._server.url} has no proxy {self.name} any more.")
        return proxy

    def _set(self, *, enabled: bool) -> None:
        with self._server.bound() as library:
            proxy = self._on(library)
            proxy.enable() if enabled else proxy.disable()
        self._require(enabled=enabled)

    def _require(self, *, enabled: bool, toxics: int | None = None) -> None:
        with self._server.bound() as library:
            proxy = self._on(library)
            if proxy.enabled != enabled:
                state = "enabled" if proxy.enabled else "disabled"
                raise InfrastructureError(
                    f"The proxy {self.name} is {state}, although Toxiproxy reported otherwise."
                )
            if proxy.upstream != _join(self.upstream):
                raise InfrastructureError(
                    f"The proxy {self.name} leads to {proxy.upstream}, not to {_join(self.upstream)}."
                )
            if toxics is not None and len(proxy.toxics()) != toxics:
                raise InfrastructureError(
                    f"The proxy {self.name} still has the toxics {', '.join(proxy.toxics())}."
                )


def _join(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def _text(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode(errors="replace").strip() if isinstance(said, bytes) else str(said)
    return text.rstrip(".")
