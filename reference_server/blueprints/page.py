"""The chat page: one HTML file that no cache keeps, and assets that every cache may keep for ever.

All assets are served below one folder named after the hash of their contents. So a module imports its
neighbours by plain relative names, no build step rewrites anything, and a page never mixes two versions.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
"""Not the machine's own table: a Windows registry or an old /etc/mime.types would block the modules."""
_SECURITY = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is served, plain and compressed."""

    body: bytes
    compressed: bytes
    media_type: str

    @classmethod
    def of(cls, body: bytes, suffix: str) -> File:
        """Compress once, at the start: without a time in it, every worker has the same bytes."""
        return cls(body, gzip.compress(body, mtime=0), _TYPES[suffix])

    def response(self, cache_control: str) -> Response:
        """Return the file in the encoding that the request prefers, or 304 if the client has it."""
        is_compressed = request.accept_encodings["gzip"] > 0
        response = Response(
            self.compressed if is_compressed else self.body, content_type=f"{self.media_type}; charset=utf-8"
        )
        if is_compressed:
            response.content_encoding = "gzip"
        response.vary.add("Accept-Encoding")
        response.headers["Cache-Control"] = cache_control
        response.headers.update(_SECURITY)
        response.add_etag()
        response.make_conditional(request)
        return response


def blueprint(*, message_limit: int, folder: Path = FOLDER) -> Blueprint:
    """Make / and /static/{version}/{name}. The files are read once, now."""
    bp = Blueprint("pages", __name__)
    assets = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _TYPES
    }
    html = assets.pop("index.html").decode()
    version = _version(assets)
    html = html.replace("{{assets}}", f"/static/{version}").replace("{{message_limit}}", str(message_limit))
    page = File.of(html.encode(), ".html")
    files = {name: File.of(body, Path(name).suffix) for name, body in assets.items()}

    @bp.get("/")
    def index() -> Response:
        return page.response("no-store")

    @bp.get("/static/<asked_version>/<path:name>")
    def asset(asked_version: str, name: str) -> Response:
        if asked_version != version or name not in files:
            raise NotFound
        return files[name].response("public, max-age=31536000, immutable")

    return bp


def _version(assets: dict[str, bytes]) -> str:
    """Return a name for exactly these files."""
    digest = hashlib.sha256()
    for name, body in assets.items():
        digest.update(f"{name} {len(body)}\n".encode() + body)
    return digest.hexdigest()[:16]
