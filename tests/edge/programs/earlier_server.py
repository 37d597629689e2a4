"""The server with the queue of version 0.1: its Lua scripts, and entries that are JSON objects."""

from __future__ import annotations

import sys
from typing import Any

from gevent import monkey

from reference_server import __main__ as entry


class EarlierGunicorn(entry.Gunicorn):
    """The server's own gunicorn; the earlier queue is put in after the fork."""

    def load(self) -> Any:
        from reference_server.adapters import redis_queue
        from tests.contracts import versions_contract as earlier

        scripts, current = {"push", "read"}, redis_queue.script

        def script(name: str) -> str:
            return earlier.script_of_0_1(name) if name in scripts else current(name)

        def page(entries: list[bytes], recipient: str) -> list[Any]:
            return [earlier.message_of_0_1(each) for each in reversed(entries)]

        redis_queue.script = script
        redis_queue.to_entry = earlier.entry_of_0_1
        redis_queue.decode_page = page
        return super().load()


if __name__ == "__main__":
    monkey.patch_all()
    entry.Gunicorn = EarlierGunicorn
    sys.exit(entry.main())
