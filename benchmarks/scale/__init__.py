"""`python -m benchmarks.scale`: from what was measured to what many users need; docs/scale.md."""
