"""The strange servers in this process, where one starts in no time."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest
from werkzeug.serving import make_server

STRANGE = Path(__file__).parents[1] / "strange_servers"
PROFILES = sorted(STRANGE.glob("*.toml"))


@contextlib.contextmanager
def serving(variation: str, *, known_users: int = 0) -> Iterator[str]:
    """Yield the URL of a server that speaks in one of the ways."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VARIATION", variation)
        spec = importlib.util.spec_from_file_location(f"strange_{variation}", STRANGE / "server.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    for known in range(known_users):
        module.chat.passwords[f"user{known}"] = f"password{known}"
        module.chat.mailboxes[f"user{known}"] = []
    server = make_server("127.0.0.1", 0, module.app, threaded=True, request_handler=module.Handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextlib.contextmanager
def running(server: HTTPServer) -> Iterator[None]:
    """Let a server serve in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
