"""Every link of every page leads somewhere, on GitHub as on the site."""

from __future__ import annotations

from pathlib import Path

import pytest

from documentation.links import ROOT, Link, anchors_of, links_of, pages, problem_of

PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [f"{link} {problem}" for link in links_of(page) if (problem := problem_of(link))] == []


def test_the_pages_have_links() -> None:
    assert {"README.md", "CONTRIBUTING.md", "TEST_REALTIME_MESSAGING.md"} <= {page.name for page in PAGES}
    assert len([link for page in PAGES for link in links_of(page)]) > 100


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("README.md", ""),
        ("docs/server.md#settings", ""),
        ("docs/images/chat.webp", ""),
        ("https://www.rfc-editor.org/rfc/rfc9457", ""),
        ("../../commits/main", ""),
        ("docs/servers.md", "has no file"),
        ("docs/server.md#no-such-heading", "has no heading of that name"),
        ("#no-such-heading", "has no heading of that name"),
        ("../elsewhere.md", "leads out of the repository"),
        ("http://example.org/", "is not https"),
        ("https://example.org/?q=1", "has a user, a password or a query"),
        ("https://localhost/", "has no host with a domain, in lower case"),
    ],
)
def test_what_is_wrong_with_a_link_is_said(target: str, problem: str) -> None:
    assert problem_of(Link(ROOT / "README.md", 1, target)) == problem


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    headings = ["# `a.b` and *C*", "## What's new?", "## Same", "## Same", '<a id="own"></a>']
    page.write_text("\n\n".join(headings), encoding="utf-8")
    assert anchors_of(page) == {"ab-and-c", "whats-new", "same", "same-1", "own"}
