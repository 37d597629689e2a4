"""`python -m loadtests` and `pollproof-load`: Locust with the locustfile of this package, wherever it is."""

import sys
from pathlib import Path

from harness.errors import UsageError
from harness.extras import LOAD, require

LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def main() -> int:
    """Run Locust with the words of the command line; return its exit code."""
    try:
        require(LOAD, "The load test")
    except UsageError as error:
        print(f"pollproof-load: {error.sentence}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return _locust()


def _locust() -> int:
    from locust.main import main as run  # it replaces parts of the standard library

    sys.argv[1:1] = ["--locustfile", str(LOCUSTFILE)]
    run()  # type: ignore[no-untyped-call]
    return 0


if __name__ == "__main__":
    sys.exit(main())
