"""Random chaos: faults of all stores and workers, drawn from a seed, under traffic; see docs/chaos.md."""
