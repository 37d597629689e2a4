"""The links of the Markdown pages, as GitHub resolves them: other files, and the anchors of their headings.

Sphinx checks the pages of the site; this sees README.md as well, and anchors that only GitHub would miss.
`python -m documentation.links` lists the links that lead out of the repository. They are never requested.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
WHERE = ("*.md", "docs/**/*.md", "harness/**/*.md")
_OF_THE_REPOSITORY = re.compile(r"(\.\./){2}(actions|commits|issues|releases)/")
"""Pages that GitHub has of a repository, seen from a file at its top, whatever the repository is called."""
_HTML_ID = re.compile(r"<\w+ [^>]*\b(?:id|name)=\"([^\"]+)\"")


@dataclass(frozen=True)
class Link:
    """A link or an image of a page; `line` is where its paragraph begins, from 1."""

    page: Path
    line: int
    target: str

    @property
    def is_external(self) -> bool:
        """Whether it has a scheme, such as https."""
        return bool(urlsplit(self.target).scheme)

    def __str__(self) -> str:
        """Return file, line and target, as a terminal can open it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.target}"


def pages() -> list[Path]:
    """Return every Markdown page of the repository that people read."""
    return sorted({path for pattern in WHERE for path in ROOT.glob(pattern)})


def links_of(page: Path) -> Iterator[Link]:
    """Yield the links and images of a page."""
    for token in _parsed(page):
        for child in token.children or ():
            target = child.attrs.get("href") or child.attrs.get("src")
            if target:
                yield Link(page, (token.map or [0])[0] + 1, str(target))


def problem_of(link: Link) -> str:
    """Return what is wrong with a link, or ''; of one that leads out of the repository, with its form."""
    return _problem_of_url(link.target) if link.is_external else _problem_of_path(link)


def _problem_of_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https":
        return "is not https"
    if parts.username or parts.password or parts.query:
        return "has a user, a password or a query"
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc):
        return "has no host with a domain, in lower case"
    return ""


def _problem_of_path(link: Link) -> str:
    path, _, anchor = link.target.partition("#")
    file = (link.page.parent / unquote(path)).resolve() if path else link.page
    if link.page.parent == ROOT and _OF_THE_REPOSITORY.match(path):
        return ""
    if not file.is_relative_to(ROOT):
        return "leads out of the repository"
    if not file.exists():
        return "has no file"
    if anchor and anchor not in anchors_of(file):
        return "has no heading of that name"
    return ""


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """Return the anchors of a page: those that GitHub makes of its headings, and those of its HTML."""
    found: list[str] = []
    tokens = _parsed(page)
    for before, token in itertools.pairwise(tokens):
        if before.type == "heading_open":
            slug = _slug(token)
            found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return frozenset(found) | frozenset(_HTML_ID.findall(page.read_text(encoding="utf-8")))


def _slug(heading: Token) -> str:
    """Return the anchor that GitHub gives to a heading."""
    shown = "".join(
        child.content for child in heading.children or () if child.type in {"text", "code_inline"}
    )
    return re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")


@cache
def _parsed(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def main() -> int:
    """List what leads out of the repository, then what is wrong; return the exit code."""
    found = [link for page in pages() for link in links_of(page)]
    outside = sorted({link.target for link in found if link.is_external})
    print(f"{len(found)} links, of which these lead out of the repository (not requested):")  # noqa: T201
    print(*(f"  {url}" for url in outside), sep="\n")  # noqa: T201
    wrong = [f"{link} {problem}" for link in found if (problem := problem_of(link))]
    print(*wrong, sep="\n", file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
