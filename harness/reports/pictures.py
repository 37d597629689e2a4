"""A run's screenshots as parts of its one page: small enough together that the page can still be sent."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from harness.reports.record import RunRecord
from harness.verdict import Verdict

EMBEDDED_BYTES = 240_000
"""All pictures inside a page, those of failed rows first; those beyond it are links to their files."""
_TYPES = {".webp": "image/webp", ".png": "image/png", ".jpg": "image/jpeg"}


def embedded(run: RunRecord, folder: Path, *, limit_bytes: int = EMBEDDED_BYTES) -> Mapping[str, str]:
    """Return the run's pictures as URLs that hold their bytes, by file, as many as there is room for.

    A picture that cannot be read, as in results that were copied without them, is left out.
    """
    urls: dict[str, str] = {}
    room = limit_bytes
    failed_first = sorted(run.rows, key=lambda row: row.verdict is not Verdict.FAIL)
    for file in (file for row in failed_first for file in row.screenshots):
        data = _bytes_of(folder / file)
        kind = _TYPES.get(Path(file).suffix)
        if kind and data and len(data) <= room:
            room -= len(data)
            urls[file] = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return urls


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
