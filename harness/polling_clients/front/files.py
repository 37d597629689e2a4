"""The files of a page, served on the same origin as the server's API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

# Not from the system's tables, which may call JavaScript plain text; a browser does not run that as a module.
TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


class Files:
    """Folders by the path of their URLs; the longest path that fits wins."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        longest_first = sorted(folders, key=len, reverse=True)
        self._folders = {_slashed(path): folders[path].resolve() for path in longest_first}

    def find(self, path: str) -> Path | None:
        """Return the file for a URL's path; None if no folder has it."""
        for mount, folder in self._folders.items():
            if path.startswith(mount):
                file = (folder / unquote(path[len(mount) :])).resolve()
                if file.is_relative_to(folder) and file.is_file():
                    return file
        return None


def _slashed(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def type_of(file: Path) -> str:
    """Return the file's media type."""
    return TYPES.get(file.suffix.lower(), "application/octet-stream")
