"""The settings of the reference server, from the table that reads them."""

from __future__ import annotations

from documentation.markdown import code, table
from reference_server.config import MAX_BODY_BYTES, SETTINGS


def settings() -> str:
    """Return the page."""
    rows = (
        (
            code(setting.name),
            "required" if setting.default is None else code(setting.default),
            setting.rule.legal,
            setting.meaning,
        )
        for setting in SETTINGS
    )
    return f"""# Settings of the server

All settings of the reference server are environment variables. Every value is UTF-8, whatever the locale. An empty value
means the default. A setting that is illegal ends the start with exit code 2 and one sentence. A request body may have at
most {MAX_BODY_BYTES // 1024} KiB. [Running the server](../server.md) says which settings depend on each other.

{table(("Variable", "Default", "Legal", "Meaning"), rows)}
"""
