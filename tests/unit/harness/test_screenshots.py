"""The pictures of a row: kept in the run's folder, named in its record, shown in a page that can be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CannotWrite
from harness.reports.html import render_html, write_html
from harness.reports.pictures import embedded
from harness.reports.record import read_results, write_results
from harness.runner.judging import judge
from harness.runner.screenshots import Screenshots
from tests.unit.harness.test_judging import OVER, phase
from tests.unit.harness.test_reports import row, run_of

PICTURE = b"RIFF....WEBP"
FILES = {"screenshots/TWO-01-a.webp": "Alice", "screenshots/TWO-01-b.webp": "Bob <b>"}
RUN = run_of(row("TWO-01", screenshots=FILES))


def kept(folder: Path, *files: str) -> Path:
    for file in files or FILES:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(PICTURE)
    return folder


class TestKeeping:
    def test_a_picture_is_a_file_of_its_row_and_title(self, tmp_path: Path) -> None:
        screenshots = Screenshots(tmp_path, "TWO-01")
        screenshots.keep("Bob, in the end", PICTURE)
        assert screenshots.kept == {"screenshots/TWO-01-bob-in-the-end.webp": "Bob, in the end"}
        assert (tmp_path / "screenshots/TWO-01-bob-in-the-end.webp").read_bytes() == PICTURE

    def test_equal_titles_of_a_row_are_different_files(self, tmp_path: Path) -> None:
        for screenshots in (Screenshots(tmp_path, "TWO-01"), Screenshots(tmp_path, "TWO-01")):
            screenshots.keep("Bob", PICTURE)
        assert screenshots.kept == {"screenshots/TWO-01-bob-2.webp": "Bob"}

    @pytest.mark.parametrize("title", ["", "…", "../../etc/passwd", "x" * 500])
    def test_no_title_leads_out_of_the_folder(self, tmp_path: Path, title: str) -> None:
        Screenshots(tmp_path, "TWO-01").keep(title, PICTURE)
        (file,) = (tmp_path / "screenshots").iterdir()
        assert file.name.startswith("TWO-01-")
        assert len(file.name) < 100

    def test_a_folder_that_cannot_be_written_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "screenshots").write_text("a file", encoding="utf-8")
        with pytest.raises(CannotWrite, match="screenshots"):
            Screenshots(tmp_path, "TWO-01").keep("Bob", PICTURE)


class TestRecord:
    def test_the_history_names_those_of_every_test_of_the_row(self, tmp_path: Path) -> None:
        first, second = (dict([item]) for item in FILES.items())
        events: list[Any] = [
            phase(tests={"ROW-01": 2}, begin=None, screenshots=first),
            phase(tests={"ROW-01": 2}, begin=None, screenshots=second),
            OVER,
        ]
        path = tmp_path / "history.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        (judged,) = judge(path).rows
        assert judged.screenshots == FILES

    def test_results_name_them_and_can_be_read_back(self, tmp_path: Path) -> None:
        write_results(RUN, tmp_path / "results.json")
        assert read_results(tmp_path / "results.json").rows == RUN.rows

    def test_results_of_an_earlier_version_have_none(self, tmp_path: Path) -> None:
        write_results(run_of(row("TWO-01")), tmp_path / "results.json")
        document = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
        del document["rows"][0]["screenshots"]
        (tmp_path / "results.json").write_text(json.dumps(document), encoding="utf-8")
        assert read_results(tmp_path / "results.json").rows[0].screenshots == {}


class TestPage:
    def test_pictures_are_in_the_page_itself(self, tmp_path: Path) -> None:
        write_html(RUN, kept(tmp_path) / "report.html")
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert page.count('<img src="data:image/webp;base64,UklGRi4uLi5XRUJQ"') == 2
        assert "Bob &lt;b&gt;" in page
        assert 'class="shot" href' not in page

    def test_those_beyond_the_limit_are_links(self, tmp_path: Path) -> None:
        urls = embedded(RUN, kept(tmp_path), limit_bytes=len(PICTURE) * 2 - 1)
        assert list(urls) == ["screenshots/TWO-01-a.webp"]
        page = render_html(RUN, urls)
        assert page.count("data:image/webp") == 1
        assert '<a class="shot" href="screenshots/TWO-01-b.webp">Bob &lt;b&gt;</a>' in page

    def test_a_small_one_after_a_big_one_still_has_room(self, tmp_path: Path) -> None:
        kept(tmp_path)
        (tmp_path / "screenshots/TWO-01-a.webp").write_bytes(PICTURE * 100)
        assert list(embedded(RUN, tmp_path, limit_bytes=len(PICTURE))) == ["screenshots/TWO-01-b.webp"]

    def test_one_that_is_missing_or_not_a_picture_is_a_link(self, tmp_path: Path) -> None:
        files = {"screenshots/gone.webp": "Gone", "screenshots/page.html": "Not a picture"}
        run = run_of(row("TWO-01", screenshots=files))
        assert embedded(run, kept(tmp_path, "screenshots/page.html")) == {}
        page = render_html(run)
        assert page.count('<a class="shot"') == 2

    def test_a_row_without_any_has_no_place_for_them(self) -> None:
        assert 'class="shots"' not in render_html(run_of(row("FLOW-01")))
