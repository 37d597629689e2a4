"""Combinations of values, drawn so that each value and each pair of two comes about equally often.

Most faults need one value or a pair of two to show (Kuhn et al., Practical Combinatorial Testing, NIST SP
800-142), so this is an endless pairwise design: what came least often so far comes next.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from random import Random

Place = tuple[str, str]
"""A factor and one of its values."""


class Covering:
    """Draws one value of each factor. Threads may share it."""

    def __init__(self, factors: Mapping[str, Sequence[str]], random: Random) -> None:
        self._factors = factors
        self._random = random
        self._lock = threading.Lock()
        self.values: Counter[Place] = Counter()
        """How often each value was drawn."""
        self.pairs: Counter[frozenset[Place]] = Counter()
        """How often each pair of values was drawn."""

    def draw(self, **fixed: str) -> dict[str, str]:
        """Return the next combination; factors in `fixed` have that value."""
        with self._lock:
            chosen = dict(fixed)
            for factor in sorted(self._factors.keys() - fixed.keys(), key=self._largest_first):
                chosen[factor] = self._least_drawn(factor, chosen)
            self.values.update(chosen.items())
            self.pairs.update(map(frozenset, combinations(chosen.items(), 2)))
            return chosen

    def missing(self) -> set[frozenset[Place]]:
        """Return the pairs of values that were not drawn yet."""
        several = combinations(self._factors.items(), 2)
        every = {
            frozenset(((one, value), (other, others)))
            for (one, values), (other, other_values) in several
            for value in values
            for others in other_values
        }
        return every - self.pairs.keys()

    def _largest_first(self, factor: str) -> tuple[int, str]:
        return -len(self._factors[factor]), factor

    def _least_drawn(self, factor: str, chosen: Mapping[str, str]) -> str:
        """Return a value whose pairs with the chosen ones are rarest; among several, the rarest value."""

        def drawn(value: str) -> tuple[int, int, int, float]:
            place = (factor, value)
            pairs = [self.pairs[frozenset((place, other))] for other in chosen.items()]
            seen = sum(count > 0 for count in pairs)
            return seen - len(pairs), sum(pairs), self.values[place], self._random.random()

        return min(self._factors[factor], key=drawn)
