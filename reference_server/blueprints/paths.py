"""Strict paths: only the exact path of an endpoint is found, not the variants that Werkzeug would accept."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import NotFound


def install(app: Flask) -> None:
    """Answer 404 to other variants of a path, before any other check."""
    app.url_map.merge_slashes = False  # a redirect would be an HTML page
    app.before_request(_refuse_variants)


def _refuse_variants() -> None:
    """Raise NotFound for a path that starts with two slashes or has an escaped slash.

    An escaped slash is visible in the request's target only: `PATH_INFO` has it decoded.
    """
    target = request.environ["RAW_URI"].partition("?")[0]
    if request.environ["PATH_INFO"].startswith("//") or "%2f" in target.lower():
        raise NotFound
