"""`python -m tests.mutants.server NAME`: the reference server, with one mutant in every worker."""

from __future__ import annotations

import sys
from typing import Any

from reference_server import __main__ as entry


class BrokenGunicorn(entry.Gunicorn):
    """The server's own gunicorn; what it serves is broken after the fork, once gevent has patched Python."""

    def load(self) -> Any:
        from tests.mutants.catalog import MUTANTS

        MUTANTS[sys.argv[1]].put_in()
        return super().load()


if __name__ == "__main__":
    entry.Gunicorn = BrokenGunicorn
    sys.exit(entry.main())
