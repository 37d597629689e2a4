"""The description of the API."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from reference_server.blueprints.answers import answer


def blueprint(document: dict[str, Any]) -> Blueprint:
    """Return the endpoint /openapi.json."""
    bp = Blueprint("openapi", __name__)

    @bp.get("/openapi.json")
    def openapi() -> Response:
        return answer(document)

    return bp
