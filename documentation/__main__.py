"""Write the pages of docs/reference/ from the code."""

from __future__ import annotations

from documentation.reference import FOLDER, PAGES, path_of, rendered

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        path_of(name).write_text(rendered(name), encoding="utf-8")
