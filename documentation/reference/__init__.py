"""The pages of docs/reference/, each a function that returns its Markdown.

`python -m documentation` writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from documentation.reference.command_line import command_line
from documentation.reference.exit_codes import exit_codes
from documentation.reference.faults import faults
from documentation.reference.http_api import http_api
from documentation.reference.metrics import metrics
from documentation.reference.profiles import client_profile, profile
from documentation.reference.promises import promises
from documentation.reference.results import results
from documentation.reference.settings import settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
NOTE = "<!-- `python -m documentation` writes this page from the code; a unit test compares the two. -->"
PAGES: Mapping[str, Callable[[], str]] = {
    "cli": command_line,
    "exit-codes": exit_codes,
    "profile": profile,
    "client-profile": client_profile,
    "promises": promises,
    "faults": faults,
    "results": results,
    "http-api": http_api,
    "settings": settings,
    "metrics": metrics,
}


def rendered(name: str) -> str:
    """Return the text of a page's file."""
    title, _, rest = PAGES[name]().strip().partition("\n")
    return f"{title}\n\n{NOTE}\n{rest}\n"


def path_of(name: str) -> Path:
    """Return the file of a page."""
    return FOLDER / f"{name}.md"
