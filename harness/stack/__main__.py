"""`python -m harness.stack`: find every service, install what is missing, and say where each one is."""

from __future__ import annotations

import sys

from harness.errors import HarnessError
from harness.stack.services import SERVICES, locate


def main() -> int:
    """The exit code: 0 when every service can be used."""
    code = 0
    for service in SERVICES:
        try:
            found = locate(service, install=True, say=_say)
        except HarnessError as error:
            _say(f"{service}: {error}")
            code = error.exit_code
        else:
            _say(f"{service} {found.version}: {found.binary or found.url} ({found.origin})")
    return code


def _say(line: str) -> None:
    print(line)  # noqa: T201 - the command's output


if __name__ == "__main__":
    sys.exit(main())
