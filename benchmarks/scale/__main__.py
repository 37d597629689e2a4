"""`python -m benchmarks.scale`: write the tables of docs/scale.md."""

from benchmarks.scale.page import main

if __name__ == "__main__":
    main()
