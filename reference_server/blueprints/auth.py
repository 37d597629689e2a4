"""Registration and sign-in."""

from __future__ import annotations

from flask import Blueprint, Response

from reference_server.auth import Accounts
from reference_server.blueprints import requests as read
from reference_server.blueprints.answers import answer
from reference_server.timestamps import format_timestamp


def blueprint(accounts: Accounts) -> Blueprint:
    """Return the endpoints /api/users/register and /api/users/login."""
    bp = Blueprint("auth", __name__, url_prefix="/api/users")

    @bp.post("/register")
    def register() -> Response:
        fields = read.json_fields()
        username = accounts.register(
            read.text(fields, "username"), read.text(fields, "password"), address=read.client_address()
        )
        return answer({"username": username}, 201)

    @bp.post("/login")
    def login() -> Response:
        fields = read.json_fields()
        username, password = read.text(fields, "username"), read.text(fields, "password")
        session = accounts.sign_in(username, password, address=read.client_address())
        expires_at = format_timestamp(session.expires_at_s * 1_000_000)
        return answer({"token": session.token, "username": session.username, "expires_at": expires_at})

    return bp
