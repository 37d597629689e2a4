"""The site is built without a warning, and a browser needs no network for it."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from documentation.site import build

IN_CI = bool(os.environ.get("CI"))
LEAST_PAGES = 25
SOURCES = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "srcset"}


class Reader(HTMLParser):
    """Collects a page's title and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.title = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        source = dict(attrs).get(SOURCES.get(tag, ""))
        if source and dict(attrs).get("rel") != "canonical":
            self.loads.append(source)
        self.within_title = tag == "title" and not self.title

    def handle_data(self, data: str) -> None:
        if getattr(self, "within_title", False):
            self.title += data.strip()


def nothing_is_loaded_from_the_network(site: Path) -> None:
    loaded = {source for page in site.rglob("*.html") for source in Reader(page).loads}
    assert any("furo" in source for source in loaded)
    assert [source for source in loaded if re.match(r"(\w+:)?//", source)] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", styles) == []


def each_page_has_a_title_of_its_own(site: Path) -> None:
    titles = [Reader(page).title for page in site.rglob("*.html") if page != site / "index.html"]
    assert len(titles) > LEAST_PAGES
    assert all(titles)
    assert sorted(titles) == sorted(set(titles))


def the_first_page_leads_to_the_landing_page(site: Path) -> None:
    assert "url=docs/index.html" in (site / "index.html").read_text(encoding="utf-8")


def the_search_knows_the_words_of_the_pages(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")  # a script, which a page of file:// may load
    assert '"duplic":' in index


def test_the_site_is_built_and_is_whole(tmp_path: Path) -> None:
    """One test, because processes that share the tests would each build the site."""
    if find_spec("sphinx") is None and not IN_CI:
        pytest.skip("Sphinx is missing: run `pip install -e '.[dev]'`")
    site = tmp_path / "site"
    assert build(site) == ""
    nothing_is_loaded_from_the_network(site)
    each_page_has_a_title_of_its_own(site)
    the_first_page_leads_to_the_landing_page(site)
    the_search_knows_the_words_of_the_pages(site)
