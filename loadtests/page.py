"""A tab of Locust's own page: deliveries, late and lost ones, as they are counted so far."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response, request

if TYPE_CHECKING:  # importing Locust replaces the standard library's sockets
    from locust.env import Environment

from loadtests.verdicts import Totals, rows

KEY = "deliveries"
_COLUMNS = [
    {"key": "name", "title": "#"},  # by the key of this name the page sorts
    {"key": "what", "title": "What"},
    {"key": "value", "title": "So far"},
]


def add_tab(environment: Environment, known: Callable[[], tuple[Totals, str] | None]) -> None:
    """Add the tab; `known` returns what is counted so far and the verdict, or None before the first test."""
    page = environment.web_ui
    if page is None or page.app is None:
        return
    page.template_args |= {
        "extended_tabs": [{"title": "Deliveries", "key": KEY}],
        "extended_tables": [{"key": KEY, "structure": _COLUMNS}],
    }

    def extend(response: Response) -> Response:
        if request.path.endswith("/stats/requests") and response.is_json and (found := known()):
            response.set_data(json.dumps({**response.get_json(), "extended_stats": extended(*found)}))
        return response

    page.app.after_request(extend)


def extended(found: Totals, said: str) -> list[dict[str, Any]]:
    """Return the table's rows as Locust's page expects them; `said` is the verdict."""
    shown = [("verdict", said), *rows(found.measured(), found.floor)]
    data = [
        {"name": f"{n:02}", "what": what, "value": value} for n, (what, value) in enumerate(shown, start=1)
    ]
    return [{"key": KEY, "data": data}]
