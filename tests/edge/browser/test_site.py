"""The site of docs/ works from the disk, in a browser without network."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from documentation.site import build


def test_the_search_finds_a_word_from_the_disk(chromium: Browser, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert build(site) == ""
    asked: list[str] = []
    with chromium.new_context(offline=True) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.wait_for_url("**/docs/index.html")
        page.get_by_placeholder("Search").first.fill("duplicate")
        page.keyboard.press("Enter")
        expect(page.locator("#search-results li").first).to_be_visible()
        expect(page.locator("#search-results")).to_contain_text("no-duplicate")
    assert all(url.startswith("file:") for url in asked), asked
