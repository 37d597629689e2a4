"""`python -m tests.mutants.server NAME`: the reference server, broken by one mutant."""

from __future__ import annotations

import sys
from typing import Any

from gevent import monkey

from reference_server import __main__ as entry


class BrokenGunicorn(entry.Gunicorn):
    """The server's own gunicorn; the mutant is put in after the fork, as it may keep state."""

    def run(self) -> None:
        """Import before the fork what each worker imports: that is most of what a start costs.

        Python is patched earlier for it, as a worker would do it first of all.
        """
        monkey.patch_all()
        from tests.mutants.catalog import MUTANTS
        from tests.mutants.registry import ServerMutant

        mutant = MUTANTS[_name]
        assert isinstance(mutant, ServerMutant)
        if mutant.in_master:
            mutant.put_in()
        super().run()

    def load(self) -> Any:
        """Put the mutant into the worker, then load the server."""
        from tests.mutants.catalog import MUTANTS
        from tests.mutants.registry import ServerMutant

        mutant = MUTANTS[_name]
        assert isinstance(mutant, ServerMutant)
        if not mutant.in_master:
            mutant.put_in()
        return super().load()


if __name__ == "__main__":
    _name = sys.argv.pop(1)  # the server itself knows no such argument
    entry.Gunicorn = BrokenGunicorn
    sys.exit(entry.main())
