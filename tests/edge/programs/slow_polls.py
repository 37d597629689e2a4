"""The reference server with polls that cost 5 ms more of the processor: a benchmark must see it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from reference_server.__main__ import main
from reference_server.process.application import Gunicorn

MORE_S = 0.005

load = Gunicorn.load


def slow_load(self: Gunicorn) -> Callable[..., Any]:
    app = load(self)

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        if "/poll/" in environ["PATH_INFO"]:
            end_s = time.thread_time() + MORE_S
            while time.thread_time() < end_s:
                pass
        return app(environ, start_response)

    return serve


Gunicorn.load = slow_load  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main())
