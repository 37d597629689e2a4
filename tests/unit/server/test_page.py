"""The chat page's files: what a browser may keep, what it may load, and what it may not contain."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from reference_server.blueprints.page import FOLDER
from tests.unit.server.http_app import Http, problem
from tests.unit.server.world import World

MOST_BYTES = 40_000
"""Of the page with all its files, compressed."""


def asset_urls(http: Http) -> list[str]:
    """Every file of the page: the HTML names the first ones, and lies in the same folder as the others."""
    html = http.get("/").text
    folder = re.findall(r'src="(/static/[0-9a-f]{16})/main\.js"', html)[0]
    names = [
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.suffix in (".js", ".css", ".svg")
    ]
    return [f"{folder}/{name}" for name in names]


class TestThePage:
    def test_it_is_html_that_no_cache_keeps(self, http: Http) -> None:
        response = http.get("/")
        assert (response.status_code, response.content_type) == (200, "text/html; charset=utf-8")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.text.startswith("<!doctype html>")

    def test_its_policy_allows_only_its_own_files(self, http: Http) -> None:
        headers = http.get("/").headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self'",
            "connect-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"

    def test_nothing_in_it_needs_more(self, http: Http) -> None:
        html = http.get("/").text
        assert "{{" not in html
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", html)
        links = re.findall(r'(?:src|href)="([^"]+)"', html)
        assert links
        assert all(link.startswith(("/static/", "#")) for link in links)

    def test_it_knows_the_limit_of_the_settings(self, world: World) -> None:
        html = Http(world, MESSAGE_LIMIT="77").get("/").text
        assert '<meta name="message-limit" content="77">' in html

    def test_it_takes_no_other_method(self, http: Http) -> None:
        problem(http.post("/"), 405, "method_not_allowed")


class TestAssets:
    def test_each_may_be_kept_for_ever(self, http: Http) -> None:
        for url in asset_urls(http):
            response = http.get(url)
            assert response.status_code == 200, url
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        ("name", "content_type"),
        [("main.js", "text/javascript"), ("chat.css", "text/css"), ("icon.svg", "image/svg+xml")],
    )
    def test_the_type_is_right_on_every_machine(self, http: Http, name: str, content_type: str) -> None:
        [url] = [url for url in asset_urls(http) if url.endswith(f"/{name}")]
        assert http.get(url).content_type == f"{content_type}; charset=utf-8"

    def test_one_that_the_browser_has_is_not_sent_again(self, http: Http) -> None:
        url = asset_urls(http)[0]
        etag = http.get(url).headers["ETag"]
        again = http.get(url, headers={"If-None-Match": etag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)

    def test_plain_and_compressed_are_the_same_text_under_two_etags(self, http: Http) -> None:
        for url in ["/", *asset_urls(http)]:
            plain, compressed = http.get(url), http.get(url, headers={"Accept-Encoding": "br, gzip"})
            assert compressed.headers["Content-Encoding"] == "gzip"
            assert "Content-Encoding" not in plain.headers
            assert gzip.decompress(compressed.data) == plain.data
            assert plain.headers["Vary"] == compressed.headers["Vary"] == "Accept-Encoding"
            assert plain.headers["ETag"] != compressed.headers["ETag"]

    def test_gzip_that_is_refused_is_not_used(self, http: Http) -> None:
        assert "Content-Encoding" not in http.get("/", headers={"Accept-Encoding": "gzip;q=0"}).headers

    def test_two_workers_have_the_same_names_and_bytes(self, http: Http, world: World) -> None:
        other = Http(world)
        assert asset_urls(http) == asset_urls(other)
        for url in asset_urls(http):
            assert http.get(url).headers["ETag"] == other.get(url).headers["ETag"]

    @pytest.mark.parametrize(
        "path",
        [
            "/static/",
            "/static/main.js",
            "/static/0123456789abcdef/main.js",
            "/static/{version}/",
            "/static/{version}/index.html",
            "/static/{version}/none.js",
            "/static/{version}/polling",
            "/static/{version}/../app.py",
        ],
    )
    def test_what_is_not_a_file_of_the_page_is_not_found(self, http: Http, path: str) -> None:
        version = asset_urls(http)[0].split("/")[2]
        problem(http.get(path.replace("{version}", version)), 404, "not_found")

    def test_all_together_are_small(self, http: Http) -> None:
        sizes = [
            len(http.get(url, headers={"Accept-Encoding": "gzip"}).data) for url in ["/", *asset_urls(http)]
        ]
        assert sum(sizes) < MOST_BYTES


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.js")), ids=lambda path: path.name)
def test_no_module_can_make_markup_of_text(path: Path) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc"
    )
    assert not re.search(forbidden, path.read_text(encoding="utf-8"))
