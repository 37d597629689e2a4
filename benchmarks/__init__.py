"""How fast the reference server is, each figure beside the limit that was measured in the same run.

`python -m benchmarks`, or `python3 -m nox -s bench`; docs/speed.md says what each figure means. How fast
histories are judged is measured in `tests/benchmarks`, and how many pollers a server carries in `capacity`.
"""
