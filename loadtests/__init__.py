"""Load tests: users who poll and write, as many as asked for."""
