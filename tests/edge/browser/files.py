"""Our JavaScript files, to a browser: on a host of their own, or beside the API of a server under test."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route

ROOT = Path(__file__).resolve().parents[3]
CLIENT = "/reference_server/static/messagePollingService.js"
_EMPTY_PAGE = "<!doctype html><meta charset=utf-8><title>A page for tests</title>"
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript"}


def serve(context: BrowserContext, base_url: str, page: str = _EMPTY_PAGE) -> str:
    """Let `base_url` have our files and a page, and return the page's URL. The rest is not touched."""

    def answer(route: Route) -> None:
        path = ROOT / urlsplit(route.request.url).path.lstrip("/")
        if path.suffix in _TYPES and path.is_file():
            route.fulfill(body=path.read_text(encoding="utf-8"), content_type=_TYPES[path.suffix])
        else:
            route.fulfill(body=page, content_type="text/html")

    context.route(f"{base_url}/empty", answer)
    context.route(f"{base_url}/reference_server/**", answer)
    context.route(f"{base_url}/tests/**", answer)
    return f"{base_url}/empty"


def open_page(context: BrowserContext, base_url: str) -> Page:
    """Open an empty page that can import our files."""
    page = context.new_page()
    page.goto(serve(context, base_url))
    return page
