"""Pause the cyclic garbage collector for work that makes millions of lasting objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the garbage collector; few of the objects made meanwhile should be in reference cycles.

    Afterwards they count as old, as if they had outlived collections: the first of these would else look at
    each of the millions.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
            gc.enable()
