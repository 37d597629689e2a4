"""A path is there or it is not: other spellings, which Werkzeug would read as the same, are not."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import NotFound


def install(app: Flask) -> None:
    """Refuse other spellings before anything else is looked at."""
    app.url_map.merge_slashes = False  # the way to another path would be a page
    app.before_request(_refuse_other_spellings)


def _refuse_other_spellings() -> None:
    """Raise NotFound for a second slash at the start, and for an escaped one, which separates nothing.

    The escape is only seen in the request's target: in `PATH_INFO` it is a slash already.
    """
    target = request.environ["RAW_URI"].partition("?")[0]
    if request.environ["PATH_INFO"].startswith("//") or "%2f" in target.lower():
        raise NotFound
